"""All four engines over real data: who has facts decides, who is forced trades, the report says what was assumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.engines.funding import FundingConfig
from phantom_arbiter.research.report import EngineReport, RunReport
from phantom_arbiter.storage.schemas import DataError
from tests.realdata.spans import MAP, RealRun, data_folder

pytestmark = pytest.mark.realdata

SPOT_AND_FUNDING = ("2025-04-14", "2025-04-17")
POOLS = ("2024-04-21", "2024-04-23")
"""The days with most pool states and LST ratios."""


@pytest.fixture(scope="module")
def april(home: Path) -> RunReport:
    return RealRun(home, *SPOT_AND_FUNDING).report()


@pytest.fixture(scope="module")
def pools(home: Path) -> RunReport:
    return RealRun(home, *POOLS).report()


def heard(result: RunReport, *engines: EngineId) -> list[EngineReport]:
    return [result.engines[engine] for engine in engines]


def test_every_engine_that_has_facts_makes_intents_and_the_others_say_that_they_had_none(
    april: RunReport, pools: RunReport
) -> None:
    assert all(told.intents for told in heard(april, "funding", "lst", "scalp"))
    assert all(told.intents for told in heard(pools, "lst", "arb"))
    silent = [*heard(april, "arb"), *heard(pools, "funding", "scalp")]
    assert all("the facts it needs did not come" in told.remark for told in silent)
    assert not any(told.intents or told.trades or any(told.pnl.values()) for told in silent)


def test_where_the_edge_gate_refused_everything_the_report_says_so(april: RunReport, pools: RunReport) -> None:
    for told in (*april.engines.values(), *pools.engines.values()):
        if told.intents and set(told.refused) == {"edge"} and not told.approved:
            assert "rightly refused by the edge gate" in told.remark
        else:
            assert "rightly refused" not in told.remark


def test_old_data_is_not_asked_about_again_and_again(pools: RunReport) -> None:
    assert pools.engines["lst"].refused.get("staleness", 0) <= 3


def test_the_report_says_what_was_assumed_allowed_and_left_out(april: RunReport, pools: RunReport) -> None:
    assert any("by its close alone" in text for text in april.assumptions)
    assert any("Roll's estimator" in text for text in april.assumptions)
    assert any("the pools' fees" in text for text in pools.assumptions)
    assert april.limits["safety.limits.quote_age_ns"] == april.limits["funding.max_age_ns"] == 600 * 10**9
    assert pools.limits["safety.limits.quote_age_ns"] == 3_600 * 10**9
    assert (april.refused_rows, pools.refused_rows, april.skipped) == (0, 0, [])
    assert april.hold["SOL"] is not None


def test_with_the_edge_gate_forced_open_funding_lst_and_scalp_trade(home: Path) -> None:
    # Left to itself the engine ends in BTC's short and stays, as leaving costs more than it saves: see below.
    config = Config(funding=FundingConfig(markets=("SOL-PERP",)))
    forced = RealRun(home, "2025-04-14", "2025-04-19", forced=("edge",), config=config).report()
    assert min(told.trades for told in heard(forced, "funding", "lst", "scalp")) >= 20


def test_with_the_edge_gate_forced_open_funding_ends_in_the_better_market_and_stays(home: Path) -> None:
    run = RealRun(home, *SPOT_AND_FUNDING, forced=("edge",), engines=["funding"])
    told = run.report().engines["funding"]
    assert run.session.kernel.desks["funding"].book.perp_base_atoms("BTC-PERP") < 0
    assert 0 < told.trades < 20


def test_with_the_edge_gate_forced_open_arb_trades_and_lst_too_where_something_is_cheap(home: Path) -> None:
    forced = RealRun(home, *POOLS, forced=("edge",)).report()
    assert forced.engines["arb"].trades >= 20
    assert forced.engines["lst"].trades >= 10


def test_the_same_span_comes_to_the_same_end(home: Path) -> None:
    day = ("2025-04-14", "2025-04-15")
    first, second = (RealRun(home, *day).report() for _ in range(2))
    assert first == second


def test_another_folder_of_the_same_layout_works_and_what_it_lacks_is_listed(home: Path, tmp_path: Path) -> None:
    files = [
        "drift_funding_hourly/SOL-PERP_1h.parquet",
        "binance_spot_5m/majors_5m.parquet",
        "lst_stake_pool_rates/rates_per_epoch_named.parquet",
    ]
    for name in files:
        target = tmp_path / "mine" / name
        target.parent.mkdir(parents=True)
        shutil.copyfile(data_folder() / name, target)
    result = RealRun(home, "2025-04-14", "2025-04-15", folder=tmp_path / "mine").report()
    mapped = {line.split('"')[1] for line in MAP.read_text(encoding="utf-8").splitlines() if line.startswith("path = ")}
    assert set(result.skipped) == mapped - set(files)
    assert len(result.skipped) > 10
    assert result.engines["funding"].intents > 0
    assert "did not come" in result.engines["scalp"].remark
    with pytest.raises(DataError, match="in the span"):
        RealRun(home, "2019-01-01", "2019-01-02", folder=tmp_path / "mine")
