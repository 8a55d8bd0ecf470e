"""The carry lab: policies beside one another on the same real hours, and beside just holding.

`run_carry_lab` gives one JSON-ready result with thinned series for charts. How a policy is run, what it pays and what
it may know is said in `carry_run`; where the hours come from, in `carry_rows`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from phantom_arbiter.core.units import BPS, HOURS_PER_YEAR, NS_PER_HOUR
from phantom_arbiter.engines.funding.policy import Policy
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.research.carry_rows import CarryRows, read_rows
from phantom_arbiter.research.carry_run import (
    CAUSES,
    Acted,
    CarryCosts,
    CarryTerms,
    PolicyRun,
    Progress,
    Spot,
    bands_of,
    base_atoms,
    run_policy,
)
from phantom_arbiter.storage.schemas import DataError

CHART_POINTS: Final = 500
MAX_DECISIONS: Final = 2_000
MAX_NOTIONAL_USD: Final = 1e9


class CarryLabRequest(Struct, frozen=True):
    """What to run. Instants are UTC ns, the end exclusive; None: as far as the file goes. ``spot``: None is the perp's
    own asset."""

    data: Path
    venue: str = "drift-v2"
    market: str = "SOL-PERP"
    policies: tuple[Policy, ...] = tuple(Policy)
    spot: Spot | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    notional_usd: float = 10_000.0
    margin_bps: int = 5_000
    costs: CarryCosts = field(default_factory=CarryCosts)


class Span(Struct, frozen=True):
    """In position from the first to the last hour that was earned."""

    from_ns: int
    to_ns: int


class PolicyResult(Struct, frozen=True):
    """USD; ``return_apr`` is the total a year on notional and margin together, simple.

    ``series``: running totals by cause and their sum, at ``CarryLabResult.ts_ns``. ``decisions`` are the first
    `MAX_DECISIONS` of ``decision_count``.
    """

    policy: Policy
    total: float
    causes: dict[str, float]
    basis_not_counted: float
    return_apr: float
    max_drawdown: float
    hours_in: int
    entries: int
    decision_count: int
    decisions: list[Acted]
    spans: list[Span]
    series: dict[str, list[float]]


class Holding(Struct, frozen=True):
    """The same notional simply held: bought and sold within the same hours. USD."""

    name: str
    total: float
    price: float
    staking: float
    costs: float
    series: list[float]


class CarryLabResult(Struct, frozen=True):
    """Policies in the order of `Policy`, hold first; ``ranking`` best first; ``verdict`` in plain words."""

    venue: str
    market: str
    spot: Spot
    from_ns: int
    to_ns: int
    hours: int
    notional_usd: float
    capital_usd: float
    costs: CarryCosts
    round_trip_bps: float
    policies: list[PolicyResult]
    ranking: list[Policy]
    verdict: list[str]
    holding: list[Holding]
    ts_ns: list[int]
    notes: list[str]


def silent(label: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def run_carry_lab(request: CarryLabRequest, progress: Progress = silent) -> CarryLabResult:
    """Read the hours, run the policies, compare. Raises `DataError` where the request or the data cannot be used."""
    _check(request)
    rows = read_rows(
        request.data,
        request.venue,
        request.market,
        request.from_ns,
        request.to_ns,
        staking=_asset(request.market) == "SOL",
    )
    return compare(rows, request, progress)


def compare(rows: CarryRows, request: CarryLabRequest, progress: Progress = silent) -> CarryLabResult:
    """As `run_carry_lab`, on rows that were read already."""
    spot = _spot(request)
    terms = CarryTerms(spot, request.notional_usd, request.margin_bps, request.costs)
    earning = rows if spot is Spot.JITOSOL else without_staking(rows)
    known = bands_of(earning, terms, FundingConfig(), progress)
    runs = [run_policy(policy, earning, terms, known) for policy in Policy if policy in request.policies]
    marks = _marks(len(rows.hours))
    capital = request.notional_usd * (1 + request.margin_bps / BPS)
    results = [_result(run, rows, marks, capital) for run in runs]
    holding = _holdings(rows, terms, request.market, marks)
    return CarryLabResult(
        venue=request.venue,
        market=request.market,
        spot=spot,
        from_ns=rows.hours[0].ts_ns,
        to_ns=rows.hours[-1].ts_ns,
        hours=len(rows.hours),
        notional_usd=request.notional_usd,
        capital_usd=capital,
        costs=request.costs,
        round_trip_bps=request.costs.round_trip(spot) * BPS,
        policies=results,
        ranking=[result.policy for result in sorted(results, key=lambda result: -result.total)],
        verdict=[*verdict(results, request.notional_usd), *map(_beside, holding)],
        holding=holding,
        ts_ns=[rows.hours[mark].ts_ns for mark in marks],
        notes=[*rows.notes, *_assumptions(terms)],
    )


def verdict(results: list[PolicyResult], notional_usd: float) -> list[str]:
    """Which policy won and by how much, each other one against it, and whether any beat doing nothing."""
    best, *others = sorted(results, key=lambda result: -result.total)
    said = f"{_usd(best.total)} ({_share(best.total, notional_usd)} of the notional)"
    won = "won with" if best.total > 0.0 else "lost least, with"
    lines = [f"{best.policy} {won if others else 'came to'} {said}."]
    for other in others:
        behind = best.total - other.total
        lines.append(
            f"{other.policy} came to {_usd(other.total)}, {_dollars(behind)} ({_share(behind, notional_usd)}) less."
            if behind > 0.0
            else f"{other.policy} came to the same."
        )
    if best.total <= 0.0:
        lines.append("Doing nothing earns 0.00 USD, no less: nothing here was worth its costs.")
    return lines


def _beside(holding: Holding) -> str:
    yielded = f", {_usd(holding.staking)} its yield" if holding.staking else ""
    return f"Just holding {holding.name} came to {_usd(holding.total)}; {_usd(holding.price)} of it its price{yielded}."


def without_staking(rows: CarryRows) -> CarryRows:
    """The same hours for a spot leg that yields nothing."""
    return CarryRows(rows.hours, (0.0,) * len(rows.hours), rows.borrow, rows.notes)


def _check(request: CarryLabRequest) -> None:
    if not 0.0 < request.notional_usd <= MAX_NOTIONAL_USD:
        limit = f"{MAX_NOTIONAL_USD:.0f} USD"
        raise DataError(f"notional: got {request.notional_usd}, expected more than 0 and at most {limit}")
    if request.from_ns is not None and request.to_ns is not None and request.from_ns >= request.to_ns:
        raise DataError("--from, --to: expected two instants in order")


def _spot(request: CarryLabRequest) -> Spot:
    """The long leg asked for, or the perp's own asset; jitoSOL hedges SOL only."""
    if request.spot is None:
        return Spot.SOL if _asset(request.market) == "SOL" else Spot.NATIVE
    if request.spot is not Spot.NATIVE and _asset(request.market) != "SOL":
        raise DataError(f"spot: got {request.spot.value!r} for {request.market}, expected 'native' (the asset itself)")
    return request.spot


def _asset(market: str) -> str:
    return market.partition("-")[0]


def _result(run: PolicyRun, rows: CarryRows, marks: list[int], capital: float) -> PolicyResult:
    totals = [run.total(index) for index in range(len(rows.hours))]
    years = (rows.hours[-1].ts_ns - rows.hours[0].ts_ns) / NS_PER_HOUR / HOURS_PER_YEAR
    series = {cause: [run.curves[cause][mark] for mark in marks] for cause in CAUSES}
    return PolicyResult(
        policy=run.policy,
        total=totals[-1],
        causes={cause: run.curves[cause][-1] for cause in CAUSES},
        basis_not_counted=run.basis_not_counted,
        return_apr=totals[-1] / capital / years,
        max_drawdown=_drawdown(totals),
        hours_in=run.hours_in,
        entries=len(run.spans),
        decision_count=len(run.acted),
        decisions=run.acted[:MAX_DECISIONS],
        spans=[Span(rows.hours[first].ts_ns, rows.hours[last].ts_ns) for first, last in run.spans],
        series=series | {"total": [totals[mark] for mark in marks]},
    )


def _drawdown(totals: list[float]) -> float:
    """The deepest fall from the highest point before it, 0 included; USD, ≥ 0."""
    peak = deepest = 0.0
    for total in totals:
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
    return deepest


def _holdings(rows: CarryRows, terms: CarryTerms, market: str, marks: list[int]) -> list[Holding]:
    asset = _asset(market)
    held = [_holding(asset, without_staking(rows), terms, 0.0, marks)]
    if asset == "SOL":
        held.insert(0, _holding("jitoSOL", rows, terms, terms.costs.lst_exit_bps, marks))
    return held


def _holding(name: str, rows: CarryRows, terms: CarryTerms, exit_bps: float, marks: list[int]) -> Holding:
    """Bought in the hour after the first, as every policy could, sold at the end; staking compounds in kind."""
    base, prices = base_atoms(rows, terms.notional_usd) / 1e9, [hour.oracle_twap_px / 1e6 for hour in rows.hours]
    way_bps = terms.costs.spot_swap_bps + terms.costs.slippage_bps
    grown, bought = [0.0, 0.0], base * prices[1]
    for index in range(2, len(prices)):
        span = (rows.hours[index].ts_ns - rows.hours[index - 1].ts_ns) / NS_PER_HOUR
        grown.append(grown[-1] + rows.staking[index - 1] * span)
    values = [base * price * math.exp(growth) for price, growth in zip(prices, grown, strict=True)]
    costs = -(bought * way_bps + values[-1] * (way_bps + exit_bps)) / BPS
    price = base * prices[-1] - bought
    curve = [0.0, *(value - bought - bought * way_bps / BPS for value in values[1:-1]), values[-1] - bought + costs]
    return Holding(name, curve[-1], price, values[-1] - base * prices[-1], costs, [curve[mark] for mark in marks])


def _marks(count: int) -> list[int]:
    """At most `CHART_POINTS` hours, evenly spread, the first and the last among them."""
    points = min(count, CHART_POINTS)
    return [index * (count - 1) // (points - 1) for index in range(points)]


def _assumptions(terms: CarryTerms) -> list[str]:
    costs = terms.costs
    lst = f", {costs.lst_exit_bps:g} bps more to leave jitoSOL" if terms.spot is Spot.JITOSOL else ""
    return [
        f"costs a fill: perp taker {costs.perp_taker_bps:g} bps, spot swap {costs.spot_swap_bps:g} bps, slippage "
        f"{costs.slippage_bps:g} bps on each leg{lst}: {costs.round_trip(terms.spot) * BPS:g} bps a round trip",
        f"a short of constant base, {terms.notional_usd:,.0f} USD at the first hour's oracle TWAP; margin "
        f"{terms.margin_bps / 100:g} % of the notional at entry, which earns nothing",
        "decided on the hours posted so far, filled at the next hour's TWAPs, earning from it on; closed at the end",
        "a premium of the perp in our favour at a fill is not counted as profit, one against us is",
        "losses of the short beyond the margin are borrowed at the venue's USDC rate; network fees are left out",
    ]


def _usd(value: float) -> str:
    return f"{value:+,.2f} USD"


def _dollars(value: float) -> str:
    return f"{value:,.2f} USD"


def _share(value: float, notional_usd: float) -> str:
    return f"{value / notional_usd:.2%}"
