"""JSON Schema of every message and answer, from the Python types; and TypeScript types, from that schema.

``python -m phantom_arbiter.dashboard.schema`` in a checkout rewrites ``ui/src/lib/messages.ts``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.dashboard import port
from phantom_arbiter.dashboard.frames import PROTOCOL_VERSION, ServerFrame
from phantom_arbiter.dashboard.lab import CarryLabResponse
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.requests import Auth, WireAction

Json = dict[str, Any]

HTTP_ANSWERS: Final = (
    MarketsResponse,
    port.EnginesResponse,
    port.PositionsResponse,
    port.TradesResponse,
    port.VaultsResponse,
    port.JournalResponse,
    port.HealthResponse,
    port.Unavailable,
    port.NotFound,
    CarryLabResponse,
)
TYPESCRIPT_PATH: Final = Path("ui/src/lib/messages.ts")
_REF: Final = "#/$defs/{name}"


def _server_definitions(ref_template: str) -> dict[str, Json]:
    """Definitions of what we send: every field always present, no others."""
    _, components = msgspec.json.schema_components([*get_args(ServerFrame), *HTTP_ANSWERS], ref_template=ref_template)
    definitions: dict[str, Json] = {}
    for name, definition in components.items():
        if definition.get("type") == "object":
            definition = {**definition, "required": list(definition["properties"]), "additionalProperties": False}
        definitions[name] = definition
    return definitions


def _client_definitions() -> dict[str, Json]:
    """Definitions of what clients send: each action with its ``id``, which only AUTH may leave out."""
    _, components = msgspec.json.schema_components([Auth, *get_args(WireAction)], ref_template=_REF)
    for struct in (Auth, *get_args(WireAction)):
        definition = components[struct.__name__]
        id_property = {"type": "string", "minLength": 1, "maxLength": 64}
        definition["properties"] = {"id": id_property, **definition["properties"]}
        if struct is not Auth:
            definition["required"] = ["id", *definition["required"]]
    return components


def answer_definitions(ref_template: str) -> dict[str, Json]:
    """Definitions of the HTTP answers and all they hold, with references by ``ref_template`` (for OpenAPI)."""
    return _server_definitions(ref_template)


def server_schema() -> Json:
    """The schema that every message from the server satisfies."""
    members = [{"$ref": _REF.format(name=frame.__name__)} for frame in get_args(ServerFrame)]
    return _document("ServerFrame", members, _server_definitions(_REF))


def client_schema() -> Json:
    """The schema of every message that the server takes."""
    members = [{"$ref": _REF.format(name=action.__name__)} for action in (Auth, *get_args(WireAction))]
    return _document("ClientMessage", members, _client_definitions())


def _document(title: str, members: list[dict[str, str]], definitions: dict[str, Json]) -> Json:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "oneOf": members,
        "$defs": definitions,
    }


def typescript() -> str:
    """The TypeScript module with one type per definition, and the unions ServerFrame and ClientMessage."""
    definitions = {**_client_definitions(), **_server_definitions(_REF)}
    server = "\n".join(f"  | {frame.__name__}" for frame in get_args(ServerFrame))
    client = "\n".join(f"  | {action.__name__}" for action in (Auth, *get_args(WireAction)))
    parts = [
        "// Generated from the Python types by `python -m phantom_arbiter.dashboard.schema`. Do not edit.",
        f"export const PROTOCOL_VERSION = {PROTOCOL_VERSION};",
        f"export const ENGINE_IDS = {json.dumps(list(ENGINE_IDS))} as const;",
        "export type EngineId = (typeof ENGINE_IDS)[number];",
        *(_declaration(name, definitions[name]) for name in sorted(definitions)),
        f"export type ServerFrame =\n{server};",
        f"export type ClientMessage =\n{client};",
    ]
    return "\n\n".join(parts) + "\n"


def _declaration(name: str, definition: Json) -> str:
    comment = _comment(definition.get("description", ""), "")
    if definition.get("type") != "object":
        return f"{comment}export type {name} = {_type(definition)};"
    required = set(definition["required"])
    fields = "".join(
        f"  {field}{'' if field in required else '?'}: {_type(schema)};\n"
        for field, schema in definition["properties"].items()
    )
    return f"{comment}export interface {name} {{\n{fields}}}"


def _comment(text: str, indent: str) -> str:
    lines = [line.strip() for line in text.replace("``", "`").splitlines()]
    if not text:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _type(schema: Json) -> str:
    """A schema as a TypeScript type."""
    match schema:
        case {"$ref": reference}:
            return str(reference).rsplit("/", 1)[1]
        case {"anyOf": members} | {"oneOf": members}:
            # Integers and floats are both numbers in TypeScript: keep each type once, in order.
            return " | ".join(dict.fromkeys(_type(member) for member in members))
        case {"enum": values}:
            union = " | ".join(json.dumps(value) for value in values)
            return "EngineId" if set(values) == set(ENGINE_IDS) else union
        case {"type": "array", "items": items}:
            inner = _type(items)
            return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"
        case {"type": "object"}:
            return f"Record<string, {_type(schema.get('additionalProperties') or {})}>"
        case {"type": "string" | "boolean" | "null"}:
            return str(schema["type"])
        case {"type": "integer" | "number"}:
            return "number"
        case _:
            return "unknown"


if __name__ == "__main__":
    TYPESCRIPT_PATH.parent.mkdir(parents=True, exist_ok=True)
    TYPESCRIPT_PATH.write_text(typescript(), encoding="utf-8")
