"""The calm market invents no profit: each engine's own result, without what its starting assets gained or lost in
price, stays near zero, as recorded markets would have left it. Funding is kinder than history, as its scenario says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phantom_arbiter.core.events import LegStatus, OrderReported
from tests.simulation.runs import Run

HOURS = 4
SEEDS = (2, 7)
BANDS_BPS = {"funding": (-12.0, 12.0), "lst": (-15.0, 15.0), "scalp": (-45.0, 20.0), "arb": (-20.0, 20.0)}
"""Of the engine's capital. Funding pays for its position in the first minutes."""


@pytest.fixture(scope="module", params=SEEDS)
def run(request: pytest.FixtureRequest) -> Run:
    day = Run(request.param, "calm")
    day.until(60 * HOURS)
    return day


def result_bps(run: Run, engine: str) -> float:
    """Equity against the starting assets at today's prices, in bps of the latter."""
    equity, usd_price = run.kernel.accounting.equity_micros(engine), run.kernel.view.usd_price
    assert equity is not None
    held = 0.0
    for symbol, amount in run.session.config.capital[engine].items():
        price = usd_price(symbol)
        assert price is not None
        held += float(amount) * price * 1e6
    return (equity / held - 1.0) * 1e4


@pytest.mark.parametrize("engine", BANDS_BPS)
def test_nobody_earns_what_live_would_not(run: Run, engine: str) -> None:
    low, high = BANDS_BPS[engine]
    assert low < result_bps(run, engine) < high


@pytest.mark.parametrize("engine", ["funding", "lst", "scalp", "arb"])
def test_every_engine_trades(run: Run, engine: str) -> None:
    assert run.kernel.desks[engine].book.trades > 0


def arb_ends(run: Run) -> Iterator[tuple[LegStatus, str]]:
    """The last word about each of Arb's transactions."""
    ends: dict[str, tuple[LegStatus, str]] = {}
    for envelope, _ in run.rows:
        body = envelope.body
        if isinstance(body, OrderReported) and body.order_id.startswith("arb-"):
            ends[body.order_id] = (body.legs[0].status, body.legs[0].reason)
    yield from ends.values()


def test_most_gaps_are_taken_by_others(run: Run) -> None:
    """A gap worth acting on every few minutes; some attempts land, most do not, and those cost nothing."""
    ends = list(arb_ends(run))
    landed = sum(status is LegStatus.FILLED for status, _ in ends)
    assert HOURS * 60 / 15 < len(ends) < HOURS * 60
    assert 0.03 < landed / len(ends) < 0.5
    assert any("rival" in reason for _, reason in ends)
    assert any("below the minimum" in reason for _, reason in ends)


def test_the_first_hour_shows_a_de_peg_bought() -> None:
    first = Run(3, "calm", engines=("lst",))
    first.until(60)
    assert first.kernel.desks["lst"].book.trades > 0
