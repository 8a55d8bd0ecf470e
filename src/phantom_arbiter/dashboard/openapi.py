"""The table of the API's routes, and the OpenAPI document made from it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from msgspec import Struct

from phantom_arbiter.dashboard import port
from phantom_arbiter.dashboard.lab import CarryLabResponse
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.schema import answer_definitions


class Parameter(Struct, frozen=True):
    """An integer query parameter; ``default`` None: may be left out."""

    name: str
    description: str
    minimum: int
    maximum: int
    default: int | None


class TextParameter(Struct, frozen=True):
    """A text query parameter that matches ``pattern`` as a whole."""

    name: str
    description: str
    pattern: str
    default: str


class ApiRoute(Struct, frozen=True):
    """A reading route. ``answer`` is its type, a media type where it is not JSON, or None for any JSON object."""

    path: str
    name: str
    summary: str
    answer: type[Struct] | str | None
    parameters: tuple[Parameter | TextParameter, ...] = ()
    not_found: bool = False
    failure: type[Struct] | None = None


API: Final = (
    ApiRoute("/api/drift/markets", "markets", "The perp market table", MarketsResponse, failure=port.Unavailable),
    ApiRoute("/api/engines", "engines", "The four engines", port.EnginesResponse),
    ApiRoute("/api/positions", "positions", "Everything held", port.PositionsResponse),
    ApiRoute(
        "/api/trades",
        "trades",
        "Our fills, newest first",
        port.TradesResponse,
        (Parameter("limit", "How many", 1, 1_000, 100),),
    ),
    ApiRoute("/api/vaults", "vaults", "Balances and P&L", port.VaultsResponse),
    ApiRoute(
        "/api/journal",
        "journal",
        "The journal, newest first",
        port.JournalResponse,
        (
            Parameter("limit", "How many", 1, 1_000, 100),
            Parameter("before_seq", "Only envelopes before this one", 1, 2**63 - 1, None),
        ),
    ),
    ApiRoute(
        "/api/lab/funding",
        "carry_lab",
        "Funding policies over recorded hours",
        CarryLabResponse,
        (
            TextParameter("market", "A perp of which hours were recorded", "^[A-Z0-9]{1,16}-PERP$", "SOL-PERP"),
            TextParameter("spot", "The long leg: native is the perp's own asset", "^(sol|jitosol|native)$", "sol"),
            Parameter("notional_usd", "Size of the short", 100, 10_000_000, 10_000),
            Parameter("from_ts", "Not before, Unix milliseconds", 0, 2**41, None),
            Parameter("to_ts", "Before this instant, Unix milliseconds", 0, 2**41, None),
        ),
        not_found=True,
        failure=port.Unavailable,
    ),
    ApiRoute("/healthz", "health", "Whether everything works", port.HealthResponse, failure=port.HealthResponse),
    ApiRoute("/metrics", "metrics", "Prometheus metrics", "text/plain"),
    ApiRoute("/api/openapi.json", "openapi", "This document", None),
)


def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1 of every route of `API`."""
    schemas = answer_definitions("#/components/schemas/{name}")
    schemas["Problem"] = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("code", "message", "field", "expected")},
        "required": ["code", "message"],
        "additionalProperties": False,
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Phantom Arbiter",
            "version": version("phantom-arbiter"),
            "description": "Reading only, on loopback. Commands go over the WebSocket.",
        },
        "paths": {route.path: {"get": _operation(route)} for route in API},
        "components": {"schemas": schemas},
    }


def _operation(route: ApiRoute) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": _response("OK", route.answer),
        "403": _problem("The Origin is not the dashboard's own"),
        "421": _problem("The Host is not an allowed one"),
    }
    if route.path not in ("/metrics", "/api/openapi.json"):
        responses["400"] = _problem("A parameter is wrong; the answer names it")
    if route.not_found:
        responses["404"] = _response("There is no such thing; the answer says what there is", port.NotFound)
    if route.failure is not None:
        responses["503"] = _response("Not available now", route.failure)
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": responses,
    }


def _parameter(parameter: Parameter | TextParameter) -> dict[str, Any]:
    schema: dict[str, Any]
    if isinstance(parameter, TextParameter):
        schema = {"type": "string", "pattern": parameter.pattern}
    else:
        schema = {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum}
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "description": parameter.description, "schema": schema}


def _response(description: str, answer: type[Struct] | str | None) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"description": description, "content": {answer: {"schema": {"type": "string"}}}}
    schema = {"type": "object"} if answer is None else {"$ref": f"#/components/schemas/{answer.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}
