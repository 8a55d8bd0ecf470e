"""A recorded market's settings, and what the report says of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from phantom_arbiter.app.markets import BuiltinSpec, RecordedSpec, explained, fitted, open_market
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.research.report import report
from tests.unit.app.recording import HOUR_NS, SECOND_NS, START_NS, Recording


def test_the_funding_engine_looks_at_quotes_as_old_as_the_gates_take() -> None:
    limits = Limits(quote_age_ns=600 * SECOND_NS)
    config = fitted(Config(), limits)
    assert (config.safety.limits, config.funding.max_age_ns) == (limits, 600 * SECOND_NS)
    longer = msgspec.structs.replace(Config().funding, max_age_ns=HOUR_NS)
    assert fitted(msgspec.structs.replace(Config(), funding=longer), limits).funding.max_age_ns == HOUR_NS
    assert config.arb == Config().arb


def test_the_report_of_recorded_data_says_what_it_rests_on_and_of_the_built_in_market_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.bars("SOL/USDT", [100.0] * 40)
    recording.funding(3)
    recording.rows["funding"][1]["mark_twap"] = None
    recording.catalogue()
    spec = RecordedSpec(str(tmp_path / "catalogue"), START_NS, START_NS + 2 * HOUR_NS)
    for chosen, refused_rows in ((spec, 1), (BuiltinSpec(7, "calm"), 0)):
        session = Session(Config(), open_market(chosen), MemoryJournal())
        session.fund()
        session.run(session.market.start_ns + 2 * HOUR_NS - 1)
        plain = report(session.kernel, session.state_hash(), [], "")
        told = explained(plain, session)
        assert told.refused_rows == refused_rows
        assert bool(told.assumptions) == bool(told.limits) == bool(refused_rows)
        if refused_rows:
            assert told.limits["safety.limits.quote_age_ns"] == 10 * SECOND_NS
            assert "by its close alone" in told.assumptions[0]
        else:
            assert told == plain
