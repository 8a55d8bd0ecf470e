"""Episodes are runs of slots of a pair of pools; a row that shares one amount with its neighbour is in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from phantom_arbiter.research.arb_episodes import PoolRows, episodes_of
from tests.unit.app.recording import DAY_NS, START_NS, Recording

SPAN = (START_NS, START_NS + DAY_NS)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def pools(recording: Recording, **quotes: str) -> None:
    for name, quote in quotes.items():
        recording.pool(name, 100.0, 150.0, START_NS, 1, quote=quote)


def seen(recording: Recording, buy: str, sell: str, *slots: int, margin: float = 2.0, **changes: float) -> None:
    for slot in slots:
        amounts = {f"{leg}_{what}": 1.0 for leg in ("buy", "sell") for what in ("base_qty", "quote_qty", "price")}
        counts = {f"{leg}_{what}": 1 for leg in ("buy", "sell") for what in ("fee_ppm", "update_slot")}
        recording.add(
            "arb_episode",
            **{"instrument": "SOL", "sell_base": "SOL", "buy_pool": buy, "sell_pool": sell, "slot": slot},
            **{"ts_ns": START_NS + slot * 10**9, "arb_base_qty": 1.0, "quote_margin": margin, "gross_spread_bps": 9.0},
            **(amounts | counts | changes),
        )


def test_a_run_of_slots_is_one_episode_and_another_pair_or_a_hole_begins_a_new_one(recording: Recording) -> None:
    pools(recording, a="USDC", b="USDC", c="USDT")
    seen(recording, "a", "b", 10, 11, 12, 14, 20)
    seen(recording, "b", "a", 13)
    seen(recording, "a", "c", 12, 13, margin=5.0)
    found = episodes_of(recording.catalogue(), *SPAN)
    assert (found.rows, found.count, found.crossing, found.stable_pools) == (8, 5, 1, 0)
    assert found.lives == ((1, 3), (2, 1), (3, 1))
    assert (found.least_margin_usd, found.median_margin_usd) == (2.0, 2.0)
    assert [found.life_slots(share) for share in (0.5, 0.7, 0.9)] == [1, 2, 3]
    assert [found.over_within(slots) for slots in (0, 1, 2, 3)] == [0.0, 0.6, 0.8, 1.0]


def test_gains_are_those_of_the_best_size_between_the_pools_as_they_were(recording: Recording) -> None:
    pools(recording, a="USDC", b="USDC", c="USDT")
    seen(recording, "a", "b", 10, 11, buy_quote_qty=0.97, buy_price=0.97)
    seen(recording, "a", "b", 20, buy_quote_qty=0.96, buy_price=0.96, buy_fee_ppm=20_000)
    seen(recording, "a", "c", 10, buy_quote_qty=0.5, buy_price=0.5)
    found = episodes_of(recording.catalogue(), *SPAN)

    def most(quote: float, keep: float) -> float:
        sizes = [step / 100_000 for step in range(40_000)]
        bought = [(keep * size / (quote + keep * size), size) for size in sizes]
        return max(got * (1 - 1e-6) / (1 + got * (1 - 1e-6)) - size for got, size in bought)

    dear, cheap, crossing = most(0.97, 1 - 1e-6), most(0.96, 0.98), most(0.5, 1 - 1e-6)
    assert found.closed_gain_usd == pytest.approx(dear + cheap, rel=1e-3)
    assert (found.largest_gain_usd, found.median_gain_usd) == pytest.approx((crossing, dear), rel=1e-3)


def test_of_a_bound_the_smaller_side_counts_and_where_nothing_is_to_be_gained_nothing_is(recording: Recording) -> None:
    pools(recording, a="USDC", b="USDC")
    seen(recording, "a", "b", 10, buy_base_qty=3.0, buy_quote_qty=0.97, buy_price=0.97)
    seen(recording, "b", "a", 10, buy_quote_qty=1.1, buy_price=1.1)
    seen(recording, "a", "b", 20, buy_quote_qty=0.97, buy_price=0.97)
    gains = episodes_of(recording.catalogue(), *SPAN)
    assert gains.closed_gain_usd == pytest.approx(2 * (gains.largest_gain_usd or 0.0))


def test_a_pool_of_two_stables_is_counted(recording: Recording) -> None:
    pools(recording, a="USDC")
    recording.pool("stable", 100.0, 1.0, START_NS, 1, base="USDC", quote="USDT")
    assert episodes_of(recording.catalogue(), *SPAN).stable_pools == 1


def test_without_rows_there_is_nothing(recording: Recording) -> None:
    pools(recording, a="USDC")
    found = episodes_of(recording.catalogue(), *SPAN)
    assert (found.rows, found.count, found.lives, found.least_margin_usd) == (0, 0, (), None)
    assert (found.life_slots(0.5), found.over_within(3)) == (0, 0.0)


def test_a_row_that_shares_one_amount_with_a_neighbour_is_in_doubt_by_the_other(recording: Recording) -> None:
    states = [(100.0, 15_000.0), (99.0, 15_150.0), (99.0, 15_300.0), (90.0, 16_000.0)]
    for second, (base, quote) in enumerate(states):
        ts_ns = START_NS + second * 10**9
        recording.pool("whole", base, quote / base, ts_ns, second)
        recording.pool("bound", base, quote / base, ts_ns, second, reserves="lower_bound")
    rows = PoolRows(recording.catalogue(), *SPAN)
    assert (rows.count, rows.exact, rows.half) == (8, 4, 2)
    doubts = [rows.doubt_bps("whole", START_NS + second * 10**9) for second in range(4)]
    assert doubts == [0.0, pytest.approx(99.01, abs=0.01), pytest.approx(98.04, abs=0.01), 0.0]
    assert rows.doubt_bps("whole", START_NS + 2 * 10**9 + 5) == doubts[2]
    assert rows.doubt_bps("bound", START_NS + 10**9) == rows.doubt_bps("whole", START_NS - 1) == 0.0
    assert [rows.number("whole", START_NS + nanos) for nanos in (-1, 0, 10**9 - 1, 10**9, 10**12)] == [0, 1, 1, 2, 4]
    assert rows.number("unknown", START_NS) == 0
