"""The HTTP interface on a real loopback connection."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from phantom_arbiter.dashboard.http import build_app
from phantom_arbiter.dashboard.metrics import metrics_registry
from phantom_arbiter.dashboard.openapi import API, openapi_document
from phantom_arbiter.dashboard.port import HealthCheck, Unavailable
from phantom_arbiter.dashboard.security import AllowList
from tests.dashboard.harness import START_MS, markets_response

pytestmark = pytest.mark.anyio

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self' ws://localhost:{ws} ws://127.0.0.1:{ws}; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


async def test_the_page_carries_the_token_and_may_do_little(server, get):
    answer = await get("/")
    assert answer.status == 200
    page = answer.body.decode()
    assert re.search(r'<meta name="phantom-token" content="([^"]+)">', page)[1] == server.token
    assert f'<meta name="phantom-ws-port" content="{server.ws_port}">' in page
    assert answer.headers["Content-Security-Policy"] == CSP.format(ws=server.ws_port)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] is None


async def test_index_html_is_the_same_page(server, get):
    assert server.token in (await get("/index.html")).body.decode()


async def test_the_token_is_nowhere_but_in_the_page(server, get):
    for path in [route.path for route in API] + ["/assets/app.js", "/nowhere"]:
        assert server.token not in (await get(path)).body.decode()


async def test_assets_are_served_and_nothing_above_them(get):
    assert (await get("/assets/app.js")).body == b"export {};"
    for path in ("/../pyproject.toml", "/assets/../../x", "/%2e%2e/%2e%2e/etc/passwd"):
        assert (await get(path)).status == 404


async def test_without_a_built_page_it_says_how(server, get, web_dir):
    (web_dir / "index.html").unlink()
    answer = await get("/")
    assert answer.status == 200
    assert "npm run build" in answer.body.decode()


@pytest.mark.parametrize("host", ["rebind.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:{http}"])
@pytest.mark.parametrize("path", ["/", "/api/engines", "/metrics", "/assets/app.js"])
async def test_a_rebound_host_is_refused(server, get, host, path):
    answer = await get(path, host=[host.format(http=server.http_port)])
    assert answer.status == 421
    assert answer.json()["code"] == "host_refused"
    assert server.token not in answer.body.decode()


async def test_no_host_and_two_hosts_are_refused(server, get):
    good = f"localhost:{server.http_port}"
    assert (await get("/", host=[good])).status == 200
    assert (await get("/", host=[good, "rebind.example"])).status >= 400
    assert (await get("/", host=[])).status >= 400


async def test_a_foreign_origin_is_refused_and_the_own_one_not(server, get):
    assert (await get("/api/engines", headers={"Origin": "http://evil.example"})).status == 403
    assert (await get("/api/engines", headers={"Origin": f"http://localhost:{server.http_port}"})).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_but_reading(get, method):
    answer = await get("/api/engines", method=method)
    assert answer.status == 405
    assert answer.json()["code"] == "method_not_allowed"


async def test_an_unknown_path_is_404_in_json(get):
    answer = await get("/api/nothing")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_the_market_table_has_the_agreed_shape(get):
    answer = await get("/api/drift/markets")
    table = answer.json()
    assert answer.status == 200
    assert {"venue", "markets", "stats", "as_of", "age_ms"} <= set(table)
    assert {"name", "program", "quote", "status"} <= set(table["venue"])
    market = table["markets"][0]
    assert market["apr"] == pytest.approx(market["rate"] * 24 * 365.25)
    assert market["direction"] == "shorts"
    assert market["next_funding_ts"] == START_MS + 60_000
    assert market["volume_24h"] is None
    assert set(table["stats"]) == {"total_oi", "volume_24h", "avg_funding"}


async def test_no_market_data_is_an_error_with_a_reason(port, get):
    port.market_answer = Unavailable(code="upstream", reason="velocity did not answer", retry_after_s=7)
    answer = await get("/api/drift/markets")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["reason"] == "velocity did not answer"


async def test_an_old_table_is_marked_stale(port, get):
    port.market_answer = markets_response(stale=True, stale_reason="velocity did not answer", age_ms=90_000)
    table = (await get("/api/drift/markets")).json()
    assert (table["stale"], table["age_ms"]) == (True, 90_000)


async def test_journal_pages(port, get):
    assert (await get("/api/journal")).json()["rows"][0]["body"] == {"kind": "TimerFired", "name": "tick"}
    await get("/api/journal?limit=5&before_seq=9")
    assert port.journal_asked == [(100, None), (5, 9)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=%D9%A5", "limit"),
        ("before_seq=99999999999999999999999", "before_seq"),
        ("page=2", "page"),
    ],
)
async def test_a_bad_parameter_is_named(port, get, query, field):
    answer = await get(f"/api/journal?{query}")
    assert answer.status == 400
    assert answer.json()["field"] == field
    assert answer.json()["expected"]
    assert port.journal_asked == []


async def test_health_is_200_or_503(port, get):
    assert (await get("/healthz")).status == 200
    port.checks = (HealthCheck(name="journal", ok=False, detail="disk full"),)
    answer = await get("/healthz")
    assert (answer.status, answer.json()["checks"][0]["detail"]) == (503, "disk full")


async def test_metrics_are_the_ports(get):
    answer = await get("/metrics")
    text = answer.body.decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'phantom_engine_pnl_usd{cause="funding",engine="funding"} 13.0' in text
    assert 'phantom_vault_amount{asset="USDC",engine="funding",state="deployed"} 40.0' in text
    assert "phantom_equity_usd 10000.0" in text
    assert 'phantom_healthy{check="journal"} 1.0' in text
    assert "python_gc" not in text


async def test_every_json_answer_satisfies_the_openapi_document(get):
    document = (await get("/api/openapi.json")).json()
    assert document == json.loads(json.dumps(openapi_document()))
    for route in API:
        if route.path in ("/metrics", "/api/openapi.json"):
            continue
        answer = await get(route.path)
        content = document["paths"][route.path]["get"]["responses"][str(answer.status)]["content"]
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


def test_the_document_lists_every_route(port, tmp_path):
    allow = AllowList.of(8000, page_port=8000)
    app = build_app(
        port,
        token="t",
        allow=allow,
        ws_port=8765,
        registry=metrics_registry(port, lambda: 0),
        web_dir=tmp_path / "none",
    )
    paths = {route.path for route in app.routes} - {"/", "/index.html"}
    assert set(openapi_document()["paths"]) == paths
