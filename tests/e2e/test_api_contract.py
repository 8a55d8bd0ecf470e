"""Every answer of the HTTP interface is what its OpenAPI document says, whatever is asked: schemathesis asks."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from phantom_arbiter.dashboard.openapi import API, openapi_document
from tests.e2e.recorded_hours import write_hours
from tests.e2e.test_run_server import Server

SOUND, UNSOUND = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
ASKED = [(route.path, mode) for route in API for mode in (SOUND, UNSOUND) if mode is SOUND or route.parameters]
SCHEMA = schemathesis.openapi.from_dict(openapi_document())


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A run in a process of its own.

    Not in a thread: schemathesis imports as it goes, pytest rewrites what is imported, and in Python 3.11 two threads
    that build syntax trees at once break each other (SystemError: AST constructor recursion depth mismatch).
    """
    home = tmp_path_factory.mktemp("api")
    server = Server(home)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PHANTOM_DATA_DIR", str(write_hours(home / "recorded")))
        server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.end(signal.SIGINT)


@pytest.mark.parametrize(("path", "mode"), ASKED)
def test_answers_keep_the_contract(base_url: str, path: str, mode: schemathesis.GenerationMode) -> None:
    operation = SCHEMA[path]["GET"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=base_url)

    ask()
