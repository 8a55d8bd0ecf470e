"""The cards of the best markets: the engine's own order, so that its preference and the first card never differ."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.app.pages import engine_page
from phantom_arbiter.app.perp_table import perp_markets
from phantom_arbiter.dashboard.panels import FundingUpdate, MarketsResponse
from phantom_arbiter.dashboard.port import Unavailable
from phantom_arbiter.engines.funding import FundingConfig
from tests.unit.engines.funding.wider import hours, jito, row, wider
from tests.unit.engines.market_builder import Bench

PREFERRED = re.compile(r"(?:prefers|the least bad is) (\S+) against (\S+) in the wallet")


def page(made: Bench) -> FundingUpdate:
    markets = perp_markets(made.kernel, {})
    shown = engine_page(made.kernel, "funding", markets if isinstance(markets, MarketsResponse) else None)
    assert isinstance(shown, FundingUpdate)
    return shown


def agree(made: Bench) -> str:
    """The first card is the market that the engine says it prefers, at that candidate's figures."""
    shown, told = page(made), PREFERRED.search(made.engine.panel()["preference"])
    assert told is not None
    market, leg = told.groups()
    best = row(made, market, leg)
    first = shown.cards[0]
    assert (first.symbol, first.net_apr, first.cost_bps) == (market, best["net_apr"], best["cost_bps"])
    assert first.available
    return market


@given(st.floats(-1.0, 2.0), st.floats(-1.0, 2.0), st.sampled_from([40_000, 80_000, 200]))
@settings(max_examples=40, deadline=None)
def test_the_first_card_is_the_market_the_engine_prefers(sol: float, jup: float, tokens: int) -> None:
    made = wider(config=FundingConfig(enter="by_hand"))
    made.show(*jito(99.8, tokens=tokens))
    hours(made, 30, SOL=sol, JUP=jup, BTC=3.0)
    made.tick()
    agree(made)


@pytest.mark.parametrize(("only", "first"), [("JUP-PERP", "JUP-PERP"), ("SOL-PERP", "SOL-PERP")])
def test_what_is_only_compared_comes_after_what_is_traded(only: str, first: str) -> None:
    made = wider(config=FundingConfig(enter="by_hand", markets=(only,)))
    hours(made, 30, SOL=0.5, JUP=0.4)
    made.tick()
    assert agree(made) == first
    assert [card.available for card in page(made).cards] == [True, False]


def test_while_holding_they_agree_too() -> None:
    made = wider()
    hours(made, 30, SOL=0.4, JUP=0.01)
    made.tick()
    made.fill()
    hours(made, 30, SOL=0.2, JUP=0.5)
    made.tick(3_600)
    agree(made)


def test_no_other_market_stands_in_the_first_ones_place_before_its_rate_was_posted() -> None:
    made = wider(config=FundingConfig(enter="by_hand"))
    assert isinstance(perp_markets(made.kernel, {}), Unavailable)
    hours(made, 1, JUP=0.01)
    made.tick()
    assert "SOL-PERP against" in made.engine.panel()["preference"]
    assert page(made).cards == ()
    hours(made, 1, SOL=0.4)
    assert page(made).cards[0].symbol == "SOL-PERP"
