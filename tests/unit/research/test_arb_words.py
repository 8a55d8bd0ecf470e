"""Each sentence says what the numbers say, and is left out where there are none."""

from __future__ import annotations

import msgspec

from phantom_arbiter.research.arb_episodes import EpisodeSummary
from phantom_arbiter.research.arb_orders import ArbOrder
from phantom_arbiter.research.arb_words import Told, why

EPISODES = EpisodeSummary(900, 100, 25, 0, ((1, 60), (3, 40)), 1.0, 1.5, 0.012, 9.0, 26.4)
QUIET = Told(msgspec.structs.replace(EPISODES, crossing=0), (), (), 0, {}, None)
LANDED = ArbOrder(
    order_id="arb-1",
    sent_ns=0,
    landed_ns=800_000_000,
    outcome="landed",
    reason="",
    size_micros=20_000_000,
    hoped_micros=50_000,
    gross_micros=150_000,
    pool_fee_micros=40_000,
    chain_micros={"base": 1_000, "priority": 1_000, "tip": 60_000, "rent": 0},
)


def order(outcome: str) -> ArbOrder:
    return ArbOrder("arb-2", 0, 0, outcome, "", 20_000_000, 250_000)


def test_without_episodes_there_is_only_that_to_say() -> None:
    nothing = EpisodeSummary(0, 0, 0, 0, (), None, None, None, None, 0.0)
    assert why(Told(nothing, (), (), 0, {}, 1.5)) == (
        "The data hold no episode of two pools with the same base token.",
    )


def test_a_run_that_sent_nothing_speaks_of_the_data_alone() -> None:
    conditional, exact = why(QUIET)
    assert "1.00 USD or more" in conditional
    assert "keeps 1.50 USD by its own count, and 0.0120 at the best size" in exact
    assert "come to 26.40 USD" in exact


def test_stables_that_no_pool_joins_are_told_and_those_that_one_joins_are_not() -> None:
    assert any("25 of 100 episodes" in said for said in why(QUIET._replace(episodes=EPISODES)))
    joined = msgspec.structs.replace(EPISODES, stable_pools=1)
    assert not any("25 of 100" in said for said in why(QUIET._replace(episodes=joined)))


def test_the_delay_stands_beside_the_lives_of_the_gaps() -> None:
    said = " ".join(why(QUIET._replace(delay_slots=1.4)))
    assert "1.4 slots after the decision" in said
    assert "60% of the episodes were over within 2 slots" in said


def test_sizes_tips_rivals_and_what_was_missed_come_from_the_orders() -> None:
    ended = (LANDED, order("beaten"), order("beaten"), order("reverted"), order("dropped"))
    said = " ".join(why(QUIET._replace(landed=(LANDED,), ended=ended, again=1, delay_slots=2.0)))
    assert "20.00 USD at the median, that gained 0.1080 USD before the tip" in said
    assert "took 56% of what" in said
    assert "Of 3 orders that found their gap still there, 2 lost it" in said
    assert "1 of 5 orders found less than their guard asks and reverted, at no cost; 1 of them" in said
    assert "The 4 orders that did not land had been quoted 1.00 USD net" in said


def test_reasons_are_told_where_something_was_left_for_them() -> None:
    said = " ".join(why(QUIET._replace(not_taken={"costs": 1_532, "stale": 0, "busy": 3, "dust": 9})))
    assert "1,532 opportunities gained less than" in said
    assert "too small to pay a transaction: 9." in said
    assert "silent" not in said
