"""``phantom backtest arb``: its tables, its JSON, other luck, and what it says of wrong input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.app.recording import START_NS, Recording
from tests.unit.cli.user import Phantom

SLOT_NS = 400_000_000


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Every two minutes for twenty slots two pools of SOL/USDC stand 3 % apart; a third tells SOL's price."""
    made = Recording(tmp_path / "rows")
    for gap in range(12):
        for slot in range(0, 20, 2):
            number, wobble = 1_000 + gap * 300 + slot, slot / 1e5
            ts_ns = START_NS + number * SLOT_NS
            made.pool("reference", 900.0, 150.0, ts_ns, number, fee_ppm=100)
            made.pool("low", 2_000.0 + wobble, 148.0, ts_ns, number)
            made.pool("high", 1_000.0 + wobble, 152.5, ts_ns + SLOT_NS, number + 1)
            made.add(
                "arb_episode",
                **{"instrument": "SOL", "sell_base": "SOL", "slot": number, "ts_ns": ts_ns},
                **{"buy_pool": "low", "buy_base_qty": 2_000.0, "buy_quote_qty": 296_000.0, "buy_price": 148.0},
                **{"sell_pool": "high", "sell_base_qty": 1_000.0, "sell_quote_qty": 152_500.0, "sell_price": 152.5},
                **{"buy_fee_ppm": 2_500, "sell_fee_ppm": 2_500, "buy_update_slot": number, "sell_update_slot": number},
                **{"arb_base_qty": 5.0, "quote_margin": 12.0, "gross_spread_bps": 304.0},
            )
    made.catalogue()
    return tmp_path / "rows" / "catalogue"


def test_json_is_one_object_whose_parts_add_up(phantom: Phantom, catalogue: Path) -> None:
    told = phantom("backtest", "arb", "--data", catalogue, "--json").parsed
    assert (told["pools"], told["pool_rows"], told["seed"]) == (3, 360, 7)
    assert (told["episodes"]["count"], told["episodes"]["crossing"]) == (120, 0)
    assert told["sent"] == sum(told["outcomes"].values()) + told["still_out"] > 0
    fall = told["waterfall"]
    costs = sum(fall[name] for name in ("pool_fees", "base_fee", "priority", "tip", "rent"))
    assert fall["gross"] - costs == pytest.approx(fall["net"])
    assert fall["net"] > 0
    assert sum(day["net_usd"] for day in told["days"]) == pytest.approx(fall["net"])
    assert {"SOL", "USDC"} >= set(fall["left"])
    assert any("rivals" in text for text in told["assumptions"])


def test_people_get_the_funnel_what_was_left_the_costs_and_why(phantom: Phantom, catalogue: Path) -> None:
    done = phantom("backtest", "arb", "--data", catalogue)
    assert done.code == 0
    for words in (
        "episodes in the data",
        "opportunities seen",
        "not taken",
        "pool fees",
        "biggest wins",
        "tip auction",
    ):
        assert words in done.out
    assert "assumed" in done.err


def test_other_seeds_are_other_luck_with_the_same_data_and_the_first_is_reported(
    phantom: Phantom, catalogue: Path
) -> None:
    told = phantom("backtest", "arb", "--data", catalogue, "--seed", 3, "--seeds", 6, "--json").parsed
    assert [one["seed"] for one in told["seeds"]] == [3, 4, 5, 6, 7, 8]
    nets = [one["net_usd"] for one in told["seeds"]]
    assert nets[0] == told["waterfall"]["net"]
    assert told["spread"]["mean"] == pytest.approx(sum(nets) / 6)
    assert told["spread"]["least"] < told["spread"]["most"]
    again = phantom("backtest", "arb", "--data", catalogue, "--seed", 4, "--json").parsed
    assert again["waterfall"]["net"] == nets[1]


def test_a_span_is_cut_out(phantom: Phantom, catalogue: Path) -> None:
    span = ("--from", "2025-04-14T00:06", "--to", "2025-04-14T00:08")
    told = phantom("backtest", "arb", "--data", catalogue, *span, "--json").parsed
    assert 0 < told["pool_rows"] < 360
    assert told["episodes"]["count"] < 120


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--seeds 0", "--seeds: got 0, expected 1 to 1000"),
        ("--from 2031-01-01", "--from, --to: expected two instants in order"),
        ("--from 2031-01-01 --to 2031-01-02", "no pool states in the span"),
        ("--data nowhere", "nowhere: no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(phantom: Phantom, catalogue: Path, options: str, said: str) -> None:
    done = phantom("backtest", "arb", *(["--data", catalogue] if "--data" not in options else []), *options.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_data_without_pools_are_named(phantom: Phantom, tmp_path: Path) -> None:
    made = Recording(tmp_path / "rows")
    made.bars("SOL/USDT", [100.0] * 9)
    made.catalogue()
    done = phantom("backtest", "arb", "--data", tmp_path / "rows" / "catalogue")
    assert (done.code, "no pool states, expected rows of the kind pool_state" in done.err) == (2, True)
