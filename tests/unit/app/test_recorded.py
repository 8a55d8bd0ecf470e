"""RecordedMarket: order, no look-ahead, recovery, limits."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from phantom_arbiter.app.recorded import RecordedMarket
from phantom_arbiter.app.session import Market
from phantom_arbiter.core.events import (
    Envelope,
    FundingPosted,
    LinkChanged,
    OraclePosted,
    Quoted,
    StakePoolRead,
    TokenAudited,
    VenueStatusChanged,
)
from phantom_arbiter.core.fact_checks import check_fact
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.storage.schemas import DataError
from tests.unit.app.recording import BAR_NS, DAY_NS, HOUR_NS, SECOND_NS, START_NS, Recording, drain, of


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Thirty hours of everything."""
    made = Recording(tmp_path)
    made.bars("SOL/USDT", [100.0 + index % 9 for index in range(362)])
    made.bars("BONK/USDT", [0.00002] * 362)
    made.funding(30)
    made.stake("jitoSOL", 1.19, 771, START_NS - DAY_NS)
    made.stake("jitoSOL", 1.191, 772, START_NS + 20 * HOUR_NS)
    for minute in range(0, 1_800, 5):
        made.ratio("BNSOL", 1.04 + minute / 1e6, START_NS + minute * 60 * SECOND_NS)
    for index in range(40):
        ts_ns = START_NS + index * HOUR_NS // 2
        made.pool("deep", 1_000.0, 150.0 + index, ts_ns, 1_000 + index)
        made.pool("cheap", 0.5, 151.0 + index, ts_ns, 1_000 + index, fee_ppm=100, reserves="lower_bound")
    return made


def test_it_is_a_market_whose_facts_are_sound_in_order_and_inside_the_span(recording: Recording) -> None:
    opened = recording.market(30)
    market: Market = opened
    told = drain(opened)
    times = [arrival.ts_ns for arrival in told]
    assert times == sorted(times)
    assert market.start_ns == times[0] == START_NS
    assert times[-1] < opened.end_ns
    assert market.peek_ns() is None
    with pytest.raises(IndexError, match="ended"):
        market.pop()
    for arrival in told:
        check_fact(arrival.body)
        assert getattr(arrival.body, "instrument", "SOL-PERP") in market.universe.instruments
    assert (opened.refused_rows, opened.refused) == (0, ())


def test_the_start_says_what_is_live_and_what_is_assumed(recording: Recording) -> None:
    market = recording.market(30)
    told = drain(market)
    assert [body.venue for _, body in of(told, VenueStatusChanged)] == ["drift", "raydium_amm_v4"]
    assert all(ts_ns == START_NS for ts_ns, _ in of(told, LinkChanged))
    audits = [arrival for arrival in told if isinstance(arrival.body, TokenAudited)]
    assert [(arrival.ts_ns - START_NS, arrival.source, arrival.body.token) for arrival in audits] == [
        (0, "assumed", "BONK"),
        (DAY_NS, "assumed", "BONK"),
    ]
    words = " ".join(market.assumptions)
    assert all(
        word in words for word in ("by its close alone", "audited", "one dollar", "withdrawal", "lower bound", "Roll")
    )
    assert "30 bps" not in words  # no ratio here is a pool's


@pytest.mark.parametrize("minutes", [7, 61, 333, 1_501])
def test_what_is_told_before_an_instant_does_not_depend_on_what_became_known_later(
    recording: Recording, tmp_path: Path, minutes: int
) -> None:
    now_ns = START_NS + minutes * 60 * SECOND_NS
    with_future = [arrival for arrival in drain(recording.market(30)) if arrival.ts_ns <= now_ns]
    told = [
        arrival for arrival in drain(recording.until(now_ns, tmp_path / "cut").market(30)) if arrival.ts_ns <= now_ns
    ]
    assert told == with_future
    assert len(told) > minutes // 5


def test_no_price_of_a_bar_comes_before_the_bar_has_closed(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    prices = [100.0 + 10 * index for index in range(20)]
    recording.bars("SOL/USDT", prices)
    told = of(drain(recording.market(1)), Quoted, "SOL/USDC")
    assert len(told) == 12
    for ts_ns, quote in told:
        mid = (quote.bid_px + quote.ask_px) / 2e6
        index = min(range(20), key=lambda index: abs(prices[index] - mid))
        assert ts_ns == START_NS - 2 * BAR_NS + (index + 1) * BAR_NS


@pytest.mark.parametrize("count", [0, 1, 57, 1_000, 1_700, 1_900])
def test_restored_in_the_middle_it_tells_the_identical_rest(recording: Recording, count: int) -> None:
    catalogue = recording.catalogue()
    market, again = (RecordedMarket.open(catalogue, START_NS, START_NS + 30 * HOUR_NS) for _ in range(2))
    for seq, arrival in enumerate(drain(market, count)):
        market.liquidity.observe(Envelope(seq + 1, arrival.ts_ns, arrival.source, arrival.body))
    again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(market.state())))
    assert list(again.cursor()) == list(market.cursor())
    assert again.liquidity.state == market.liquidity.state
    rest = drain(market)
    assert drain(again) == rest
    assert rest
    assert list(again.cursor()) == list(market.cursor())


def test_a_state_is_a_copy_and_belongs_to_its_data(recording: Recording, tmp_path: Path) -> None:
    market = recording.market(30)
    drain(market, 1_500)
    state = market.state()
    before = msgspec.msgpack.encode(state)
    market.liquidity.observe(Envelope(1, START_NS, "x", Quoted("SOL/USDC", 1, 2, 3)))
    drain(market)
    assert msgspec.msgpack.encode(state) == before
    with pytest.raises(DataError, match="digest"):
        recording.market(29).restore(state)
    other = Recording(tmp_path / "other")
    other.bars("SOL/USDT", [100.0] * 400)
    with pytest.raises(DataError, match="digest"):
        other.market(30).restore(state)


def test_an_unsound_row_is_counted_and_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.funding(5)
    recording.rows["funding"][2]["rate_quote_per_base"] = 5.0
    recording.rows["funding"][3]["mark_twap"] = None
    market = recording.market(6)
    told = drain(market)
    hours = [(ts_ns - START_NS) // HOUR_NS for ts_ns, _ in of(told, FundingPosted)]
    assert hours == [0, 1, 4]
    assert len(of(told, OraclePosted)) == 3
    assert market.refused_rows == 2
    assert "rate_e9" in market.refused[0]
    assert "expected all three" in market.refused[1]


def test_nothing_to_tell_is_an_error_that_says_so(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.bars("SOL/USDT", [100.0], interval_ns=DAY_NS)
    with pytest.raises(DataError, match="5 minutes"):
        recording.market()
    with pytest.raises(ValueError, match="span"):
        RecordedMarket.open(recording.catalogue(), START_NS, START_NS)


def test_limits_follow_the_coarsest_series_and_never_fall_below_those_given(tmp_path: Path) -> None:
    numbers = itertools.count()

    def limits(*, bars: int = 0, funding: int = 0, pool: bool = False) -> Limits:
        recording = Recording(tmp_path / str(next(numbers)))
        if bars:
            recording.bars("SOL/USDT", [100.0] * bars)
        if funding:
            recording.funding(funding)
        if pool:
            recording.pool("deep", 10.0, 100.0, START_NS, 5)
        return recording.market(6).limits()

    assert limits(bars=80).quote_age_ns == 2 * BAR_NS
    assert limits(bars=80, funding=6).oracle_age_ns == 2 * BAR_NS
    assert limits(bars=40, funding=6).oracle_age_ns == 2 * HOUR_NS
    assert limits(funding=6) == msgspec.structs.replace(
        Limits(), quote_age_ns=2 * HOUR_NS, oracle_age_ns=2 * HOUR_NS, exit_age_ns=2 * HOUR_NS
    )
    assert limits(pool=True).quote_age_ns == HOUR_NS
    recording = Recording(tmp_path / "given")
    recording.bars("SOL/USDT", [100.0] * 80)
    assert recording.market(6).limits(Limits(quote_age_ns=DAY_NS)).quote_age_ns == DAY_NS


def test_what_a_stake_pool_pays_is_told_at_the_start_and_every_hour(recording: Recording) -> None:
    told = of(drain(recording.market(30)), StakePoolRead, "jitoSOL")
    assert [(ts_ns - START_NS) // HOUR_NS for ts_ns, _ in told] == sorted([*range(30), 20])
    for ts_ns, read in told:
        new = ts_ns >= START_NS + 20 * HOUR_NS
        assert read.total_lamports / read.supply_atoms == pytest.approx(
            1.191 if new and read.epoch == 772 else 1.19, abs=1e-9
        )
        assert read.updated_epoch == read.epoch
    ends = {read.epoch: read.epoch_ends_ts_ns for _, read in told}
    assert ends[772] == START_NS + 20 * HOUR_NS + 44 * HOUR_NS
