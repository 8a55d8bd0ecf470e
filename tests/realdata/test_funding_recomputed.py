"""Funding paid and received equals an independent recomputation from the real hourly records, to the unit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl
import pytest

from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ClosePosition
from phantom_arbiter.core.events import Commanded, Envelope, FundingSettled, Liquidated, OrderReported
from phantom_arbiter.core.intents import Intent, PerpOrder, Side
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.verdicts import Approved
from tests.realdata.spans import RealRun, data_folder

pytestmark = pytest.mark.realdata

HOUR_NS = 3_600 * 10**9
NOTIFY_NS = 400_000_000
"""Reports come this much after the slot; the driver's default, pinned by the test."""


class Event(NamedTuple):
    """On chain at ``ts_ns``: a fill of signed base atoms, or a settlement that paid so many USDC atoms."""

    ts_ns: int
    fill_atoms: int
    paid_atoms: int | None


def recomputed(events: list[Event], data: Path) -> list[int]:
    """What each settlement should have paid, from the Parquet file, the instants, and the fills alone.

    A record says how many USDC a base unit pays its short for the hour that ends there. The venue keeps the running sum
    at 1e-9 and, when it settles, pays base · (sum now − sum at the last settlement), cut off to whole USDC atoms.
    """
    records = pl.read_parquet(data / "drift_funding_hourly" / "SOL-PERP_1h.parquet").sort("ts")
    posted_ns = records["ts"].dt.epoch("ns").to_list()
    rates_e9 = [Decimal(repr(rate)).scaleb(9) for rate in records["funding_rate_quote_per_base"]]
    assert all(rate == rate.to_integral_value() for rate in rates_e9)

    def running_sum(now_ns: int) -> int:
        return sum(int(rate) for ts_ns, rate in zip(posted_ns, rates_e9, strict=True) if ts_ns <= now_ns)

    held_atoms, settled_at = 0, 0
    payments = []
    for event in events:
        now = running_sum(event.ts_ns)
        if event.paid_atoms is not None:
            exact = Decimal(-held_atoms) * Decimal(now - settled_at) / Decimal(10**12)
            payments.append(int(exact))  # toward zero
            settled_at = now
        elif held_atoms == 0:
            settled_at = now
        held_atoms += event.fill_atoms
    return payments


class Ledger:
    """Collects the fills and settlements of SOL-PERP in the order in which the chain made them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._intents: dict[str, Intent] = {}
        self._filled: dict[tuple[str, int], int] = {}

    def hear(self, envelope: Envelope, outcome: Outcome) -> None:
        for verdict in outcome.verdicts:
            if isinstance(verdict, Approved):
                self._intents[verdict.order_id] = verdict.intent
        body, on_chain_ns = envelope.body, envelope.ts_ns - NOTIFY_NS
        match body:
            case FundingSettled():
                assert (body.engine, body.instrument, body.asset) == ("funding", "SOL-PERP", "USDC")
                self.events.append(Event(on_chain_ns, 0, body.payment_atoms))
            case OrderReported():
                for leg in body.legs:
                    order = self._intents[body.order_id].legs[leg.leg]
                    if isinstance(order, PerpOrder):
                        new = leg.in_atoms - self._filled.get((body.order_id, leg.leg), 0)
                        self._filled[body.order_id, leg.leg] = leg.in_atoms
                        if new:
                            self.events.append(Event(on_chain_ns, new if order.side is Side.BUY else -new, None))
            case Liquidated():
                raise AssertionError("a liquidation: this test does not follow it")
            case _:
                pass

    def longest_hold_ns(self) -> int:
        held, since, longest = 0, 0, 0
        for event in self.events:
            since = event.ts_ns if held == 0 else since
            held += event.fill_atoms
            longest = max(longest, event.ts_ns - since)
        return longest


@pytest.mark.parametrize(
    ("close_every_h", "last", "held_hours"),
    [(7, "2025-04-18", 6), (0, "2025-04-22", 7 * 24)],
    ids=["often in and out", "held for days"],
)
def test_each_payment_and_the_engines_result_are_what_the_records_say(
    home: Path, close_every_h: int, last: str, held_hours: int
) -> None:
    config = Config()
    funding = msgspec.structs.replace(config.funding, markets=("SOL-PERP",), policy="hold", reentry_wait_ns=HOUR_NS)
    driver = msgspec.structs.replace(config.driver, notify_ns=NOTIFY_NS, unknown_ppm=0)
    config = msgspec.structs.replace(config, funding=funding, driver=driver)
    run = RealRun(home, "2025-04-14", last, forced=("edge",), engines=["funding"], config=config)
    ledger = Ledger()
    run.session.sequencer.listeners.append(ledger.hear)
    first_ns = run.session.market.start_ns
    for close_ns in range(first_ns, run.spec.end_ns, close_every_h * HOUR_NS or run.spec.end_ns):
        run.session.run(close_ns)
        run.session.simulation.command(Commanded(f"close-{close_ns}", ClosePosition("funding", "*")))
    result = run.report()

    payments = [event.paid_atoms for event in ledger.events if event.paid_atoms is not None]
    assert payments == recomputed(ledger.events, data_folder())
    assert len(payments) > 10
    assert min(payments) < 0 < max(payments)
    assert ledger.longest_hold_ns() > held_hours * HOUR_NS
    causes = run.session.kernel.accounting.pnl_by_cause_micros("funding")
    assert causes["funding"] == sum(payments)
    assert result.engines["funding"].pnl["funding"] == sum(payments) / 1e6
