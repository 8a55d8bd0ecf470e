"""Every answer of the HTTP interface is what its OpenAPI document says, whatever is asked: schemathesis asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from phantom_arbiter.dashboard.openapi import API, openapi_document
from tests.e2e.live_server import LiveServer

SOUND, UNSOUND = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
ASKED = [(route.path, mode) for route in API for mode in (SOUND, UNSOUND) if mode is SOUND or route.parameters]
# Read before any server runs in a thread: pytest rewrites what is imported now, and in Python 3.11 two threads that
# build syntax trees at once break each other (SystemError: AST constructor recursion depth mismatch).
SCHEMA = schemathesis.openapi.from_dict(openapi_document())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("api"), speed=60.0) as live:
        yield live


@pytest.mark.parametrize(("path", "mode"), ASKED)
def test_answers_keep_the_contract(server: LiveServer, path: str, mode: schemathesis.GenerationMode) -> None:
    operation = SCHEMA[path]["GET"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=server.url.rstrip("/"))

    ask()
