"""Every answer of the HTTP interface is what its OpenAPI document says, whatever is asked: schemathesis asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from phantom_arbiter.dashboard.openapi import API
from tests.e2e.live_server import LiveServer


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    with LiveServer(tmp_path_factory.mktemp("api"), speed=60.0) as server:
        yield schemathesis.openapi.from_url(f"{server.url}api/openapi.json")


SOUND, UNSOUND = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
ASKED = [(route.path, mode) for route in API for mode in (SOUND, UNSOUND) if mode is SOUND or route.parameters]


@pytest.mark.parametrize(("path", "mode"), ASKED)
def test_answers_keep_the_contract(api: schemathesis.BaseSchema, path: str, mode: schemathesis.GenerationMode) -> None:
    operation = api[path]["GET"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate()

    ask()
