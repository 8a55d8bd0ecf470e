"""Where there is nothing to earn, every engine loses its costs: no more, no less.

The edge gate is forced open in the scenario ``no-edge``, so that engines trade without a reason. P&L is the engine's
own result (`Accounting.own_equity_micros`): the starting capital's change of price is taken out, so what is left
is what trading did. Costs are measured here, apart from the engines' reckoning and the causes of P&L: for each leg
that filled, what went in less what came out, both at the prices at which the order was decided (perps: the oracle),
and the chain's fees. Spread, impact, pool fees and latency are all inside; later prices would hide our own impact.
P&L plus costs is then the change of price of what was held between a purchase and its sale, which nobody can foresee:
its mean over seeds is zero.

A cycle holds nothing, so for arb that is an identity; there the claim is that it loses.
"""

from __future__ import annotations

import os
from math import sqrt
from statistics import fmean, stdev
from typing import Final, NamedTuple

import pytest

from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ClosePosition, EngineId
from phantom_arbiter.core.events import Envelope
from phantom_arbiter.core.intents import Intent, PerpOrder, Side, Swap
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.core.units import NS_PER_MINUTE, NS_PER_SECOND, power_of_ten
from phantom_arbiter.core.verdicts import Approved
from phantom_arbiter.engines.funding.logic import FundingConfig
from phantom_arbiter.engines.lst_depeg.logic import LstConfig
from tests.simulation.runs import Run

SEEDS: Final = int(os.environ.get("SIMULATION_SEEDS", "20"))
LEAST_TRADES: Final = 30
MINUTES: Final[dict[EngineId, int]] = {"funding": 40, "lst": 30, "scalp": 30, "arb": 15}
"""The shortest round span in which each engine makes its thirty trades."""
CONFIG: Final = Config(
    safety=SafetyConfig(force_open=("edge", "daily_loss", "drawdown")),
    funding=FundingConfig(
        markets=("SOL-PERP",),
        spot_leg="base",
        policy="hold",
        propose_every_ns=NS_PER_MINUTE,
        reentry_wait_ns=NS_PER_SECOND,
        retry_every_ns=NS_PER_SECOND,
    ),
    lst=LstConfig(
        interest_bps=0.0,
        propose_every_ns=NS_PER_SECOND,
        reentry_wait_ns=NS_PER_SECOND,
    ),
)
"""Engines that wait for something to happen are told to wait for nothing."""


class Result(NamedTuple):
    """One seed, in dollars."""

    trades: int
    pnl: float
    costs: float


class Meter:
    """Adds up what trading costs, leg by leg, at the prices at which each order was decided."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.costs_usd = 0.0
        self.prices: dict[str, dict[str, float]] = {}

    def hear(self, envelope: Envelope, outcome: Outcome) -> None:
        """Prices when an order is approved; its costs when it is over."""
        for verdict in outcome.verdicts:
            if isinstance(verdict, Approved):
                self.prices[verdict.order_id] = self.now(verdict.intent)
        for order in outcome.orders:
            if order.id not in self.run.kernel.orders and (order.chain_fees or any(s.in_atoms for s in order.legs)):
                self.take(order, self.prices.pop(order.id))

    def now(self, intent: Intent) -> dict[str, float]:
        """Dollars for an atom of each asset that an order names; an LST at its pool's rate, which no noise moves."""
        view, prices = self.run.kernel.view, {"USDC": 1e-6, "USDT": 1e-6}
        names = {"SOL"}.union(*({leg.in_asset, leg.out_asset} for leg in intent.legs if isinstance(leg, Swap)))
        for asset in names:
            pool = view.stake_pool(asset)
            usd = view.usd_price("SOL" if pool is not None else asset)
            assert usd is not None
            if pool is not None:
                usd *= pool.total_lamports / pool.supply_atoms
            prices[asset] = usd / power_of_ten(view.universe.assets[asset].decimals)
        return prices

    def take(self, order: Order, usd: dict[str, float]) -> None:
        """All of an order's costs."""
        for leg, state in zip(order.intent.legs, order.legs, strict=True):
            if isinstance(leg, Swap):
                self.costs_usd += state.in_atoms * usd[leg.in_asset] - state.out_atoms * usd[leg.out_asset]
            elif isinstance(leg, PerpOrder):
                sign = 1 if leg.side is Side.BUY else -1
                self.costs_usd += sign * (state.out_atoms * usd["USDC"] - state.in_atoms * usd["SOL"])
                self.costs_usd += sum(fee.atoms for fee in state.fees) * usd["USDC"]
        self.costs_usd += sum(fee.atoms for fee in order.chain_fees) * usd["SOL"]


def trade(engine: EngineId, seed: int) -> Result:
    run = Run(seed, "no-edge", engines=(engine,), config=CONFIG)
    meter = Meter(run)
    run.session.sequencer.listeners.append(meter.hear)
    for minute in range(1, MINUTES[engine] + 1):
        run.until(minute)
        if engine == "funding":
            run.command(ClosePosition("funding", "SOL-PERP"))  # one position would last the whole day
    causes = run.kernel.accounting.pnl_by_cause_micros(engine)
    return Result(
        run.kernel.desks[engine].book.trades,
        sum(causes.values()) / 1e6,
        meter.costs_usd,
    )


def within_three_errors(values: list[float]) -> bool:
    return abs(fmean(values)) <= 3 * stdev(values) / sqrt(len(values))


@pytest.fixture(scope="module", params=["funding", "lst", "scalp", "arb"])
def results(request: pytest.FixtureRequest) -> tuple[EngineId, list[Result]]:
    """All seeds of one engine."""
    return request.param, [trade(request.param, 1_000 + seed) for seed in range(SEEDS)]


def test_every_seed_makes_thirty_trades(results: tuple[EngineId, list[Result]]) -> None:
    engine, rows = results
    assert min(row.trades for row in rows) >= LEAST_TRADES, engine


def test_the_mean_result_is_minus_the_costs(results: tuple[EngineId, list[Result]]) -> None:
    engine, rows = results
    assert within_three_errors([row.pnl + row.costs for row in rows]), engine
    assert fmean(row.costs for row in rows) > 0


def test_an_engine_without_an_edge_loses(results: tuple[EngineId, list[Result]]) -> None:
    engine, rows = results
    losses = [-row.pnl for row in rows]
    assert fmean(losses) > 0, engine
    if engine in ("arb", "lst"):  # nothing, or little, hangs on the price of what is held meanwhile
        assert fmean(losses) > 3 * stdev(losses) / sqrt(len(losses))
