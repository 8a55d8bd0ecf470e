"""Orders by hand, random wishes and prices: a refused act changes nothing, an accepted one keeps to its preview."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, LeavePosition, Preview, TakePosition
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.core.intents import PerpOrder, Side, Swap
from phantom_arbiter.core.preview import Draft, HandCommand, Rejection
from phantom_arbiter.core.verdicts import Refused
from phantom_arbiter.engines.funding import FundingConfig
from tests.unit.engines.funding.wider import hours, jito, wider
from tests.unit.engines.market_builder import Bench, price, sol_pool, stats

SIZES = st.one_of(
    st.floats(0.01, 70.0), st.sampled_from([0.0, -1.0, 0.009, 1e30, float("nan"), float("inf"), 5.0, 5.0, 5.0])
)
MARKETS = st.sampled_from(["SOL-PERP", "SOL-PERP", "SOL-PERP", "JUP-PERP", "BTC-PERP", "DOGE-PERP"])
WISHES = st.one_of(
    st.tuples(st.just("take"), MARKETS, SIZES),
    st.tuples(st.just("leave"), MARKETS, st.just(0.0)),
    st.tuples(st.sampled_from(["deposit", "withdraw"]), st.just("SOL-PERP"), st.floats(-1.0, 20_000.0)),
    st.tuples(st.just("move"), st.just(""), st.floats(-0.006, 0.006)),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([1.0, 30.0, 3_600.0])),
)


def _preview(made: Bench, wish: str, market: str, size: float) -> Draft | Rejection:
    if wish == "take":
        return made.engine.draft(Preview("TAKE_POSITION", market, size))
    return made.engine.draft(Preview("LEAVE_POSITION", market))


def _order(wish: str, market: str, size: float, preview_hash: str) -> HandCommand:
    match wish:
        case "take":
            return TakePosition(market, size, preview_hash)
        case "leave":
            return LeavePosition(market, preview_hash)
        case "deposit":
            return DriftDeposit(size)
        case _:
            return DriftWithdraw(size)


def _no_looser(intent_legs: tuple[object, ...], shown_legs: tuple[object, ...]) -> None:
    shown = {type(leg): leg for leg in shown_legs}
    for leg in intent_legs:
        limit = shown.get(type(leg))
        if isinstance(leg, PerpOrder):
            assert isinstance(limit, PerpOrder)
            assert leg.base_atoms == limit.base_atoms
            better = leg.limit_px <= limit.limit_px if leg.side is Side.BUY else leg.limit_px >= limit.limit_px
            assert better
        elif isinstance(leg, Swap):
            assert isinstance(limit, Swap)
            assert leg.min_out_atoms * limit.in_atoms >= limit.min_out_atoms * leg.in_atoms


@given(st.lists(st.tuples(WISHES, st.floats(-0.006, 0.006)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_refused_act_changes_nothing_and_an_accepted_one_keeps_to_its_preview(
    steps: list[tuple[tuple[str, str, float], float]],
) -> None:
    made, usd = wider(config=FundingConfig(enter="by_hand")), 100.0
    hours(made, 1, SOL=0.2, JUP=0.1)
    made.tick()
    for (wish, market, size), drift in steps:
        if wish == "wait":
            made.tick(size)
            made.fill()
            continue
        drafted = _preview(made, wish, market, size) if wish in ("take", "leave") else None
        usd *= 1 + (size if wish == "move" else drift)
        made.show(*price(usd, 10.0), sol_pool(usd), *jito(usd), stats(usd, 10.0))
        if wish == "move":
            continue
        before = msgspec.json.encode(made.engine.state)
        shown = drafted.hash if isinstance(drafted, Draft) else "none"
        asked = made.post(Commanded("c", _order(wish, market, size, shown)))
        if not asked or isinstance(made.verdicts[-1], Refused):
            assert msgspec.json.encode(made.engine.state) == before
            continue
        if isinstance(drafted, Draft):
            _no_looser(asked[0].legs, drafted.intent.legs)
        made.fill()
        made.tick()
        made.fill()
        panel = made.engine.panel()
        assert abs(panel["net_delta"]) <= 0.01 + 0.004 * panel["spot_sol"]
        assert panel["health"] is None or panel["health"] >= 60
