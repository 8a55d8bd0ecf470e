"""The Lab page: a carry backtest over the data folder, in a thread, one at a time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec

from phantom_arbiter.dashboard import lab
from phantom_arbiter.dashboard.port import NotFound, Unavailable
from phantom_arbiter.research.carry_lab import CarryLabRequest, CarryLabResult, PolicyResult, run_carry_lab
from phantom_arbiter.research.carry_rows import known_markets
from phantom_arbiter.research.carry_run import Spot
from phantom_arbiter.storage.schemas import DataError

VENUE: Final = "drift-v2"
NS_PER_MS: Final = 1_000_000


def data_folder() -> Path:
    """Where recorded data lies: PHANTOM_DATA_DIR, else beside the working directory."""
    return Path(os.environ.get("PHANTOM_DATA_DIR") or Path("..") / "shared" / "data")


class Lab:
    """Runs one backtest after another over ``data``."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._busy = asyncio.Lock()

    async def carry(self, query: lab.LabQuery) -> lab.CarryLabResponse | Unavailable | NotFound:
        """All three policies over the hours asked for."""
        if not self._data.is_dir():
            reason = f"there is no recorded data at {self._data}: set PHANTOM_DATA_DIR, or `phantom data fetch funding`"
            return Unavailable(code="no_data", reason=reason)
        if self._busy.locked():
            return Unavailable(code="busy", reason="another backtest is running", retry_after_s=2)
        async with self._busy:
            return await asyncio.to_thread(self._run, query)

    def _run(self, query: lab.LabQuery) -> lab.CarryLabResponse | NotFound:
        request = CarryLabRequest(
            data=self._data,
            venue=VENUE,
            market=query.market,
            spot=Spot(query.spot),
            notional_usd=float(query.notional_usd),
            from_ns=query.from_ts * NS_PER_MS if query.from_ts is not None else None,
            to_ns=query.to_ts * NS_PER_MS if query.to_ts is not None else None,
        )
        try:
            return _response(run_carry_lab(request), tuple(known_markets(self._data, VENUE)))
        except DataError as error:
            return NotFound(code="no_hours", message=str(error))


def _response(result: CarryLabResult, markets: tuple[str, ...]) -> lab.CarryLabResponse:
    return lab.CarryLabResponse(
        venue=result.venue,
        market=result.market,
        spot=result.spot.value,
        from_ts=result.from_ns // NS_PER_MS,
        to_ts=result.to_ns // NS_PER_MS,
        hours=result.hours,
        notional_usd=result.notional_usd,
        capital_usd=result.capital_usd,
        round_trip_bps=result.round_trip_bps,
        policies=tuple(_policy(policy) for policy in result.policies),
        ranking=tuple(policy.value for policy in result.ranking),
        verdict=tuple(result.verdict),
        holding=tuple(
            lab.LabHolding(
                name=held.name,
                total_usd=held.total,
                price_usd=held.price,
                staking_usd=held.staking,
                costs_usd=held.costs,
                series=tuple(held.series),
            )
            for held in result.holding
        ),
        ts=tuple(ts_ns // NS_PER_MS for ts_ns in result.ts_ns),
        notes=tuple(result.notes),
        markets=markets,
    )


def _policy(result: PolicyResult) -> lab.LabPolicy:
    decisions = [
        lab.LabDecision(
            ts=acted.ts_ns // NS_PER_MS, **{k: v for k, v in msgspec.structs.asdict(acted).items() if k != "ts_ns"}
        )
        for acted in result.decisions
    ]
    return lab.LabPolicy(
        policy=result.policy.value,
        total_usd=result.total,
        causes=result.causes,
        basis_not_counted_usd=result.basis_not_counted,
        return_apr=result.return_apr,
        max_drawdown_usd=result.max_drawdown,
        hours_in=result.hours_in,
        entries=result.entries,
        decision_count=result.decision_count,
        decisions=tuple(decisions),
        spans=tuple(
            lab.LabSpan(from_ts=span.from_ns // NS_PER_MS, to_ts=span.to_ns // NS_PER_MS) for span in result.spans
        ),
        series={name: tuple(values) for name, values in result.series.items()},
    )
