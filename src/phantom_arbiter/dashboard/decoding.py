"""From a text message to a command, or to the answer that says what is wrong with it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from phantom_arbiter.core.commands import ENGINE_IDS, ClosePosition
from phantom_arbiter.dashboard.frames import CommandResult
from phantom_arbiter.dashboard.requests import (
    ArmLive,
    Auth,
    ClosePositionRequest,
    CommandRequest,
    DisarmLive,
    WireAction,
)

MAX_ID_CHARS: Final = 64
MAX_SHOWN_CHARS: Final = 80
ACTIONS: Final[dict[str, type]] = {str(struct.__struct_config__.tag): struct for struct in (Auth, *WireAction.__args__)}
_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED: Final = re.compile(r"(unknown|missing required) field `(?P<field>[^`]*)`")

_WHY_NOT: Final[dict[type, str]] = {
    ArmLive: "live trading cannot be armed here; engines run in paper mode",
    DisarmLive: "nothing is armed; engines run in paper mode",
}


def decode_message(text: str) -> Auth | CommandRequest | CommandResult:
    """Decode a client's message; a `CommandResult` is the answer to one that is refused."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return refuse("", "", "malformed", f"the message is not JSON: {error}")
    if not isinstance(raw, dict):
        return refuse("", "", "malformed", f"the message: got {_show(raw)}, expected a JSON object")
    return _decode_object(raw)


def refuse(command_id: str, action: str, code: str, message: str) -> CommandResult:
    """An answer that says no."""
    return CommandResult(id=command_id, action=action, success=False, code=code, message=message)


def _decode_object(raw: dict[str, Any]) -> Auth | CommandRequest | CommandResult:
    action = raw.get("action")
    name = action[:MAX_ID_CHARS] if isinstance(action, str) else ""
    command_id = raw.get("id")
    id_sound = isinstance(command_id, str) and 0 < len(command_id) <= MAX_ID_CHARS
    known_id = command_id if isinstance(command_id, str) and id_sound else ""
    if not isinstance(action, str) or action not in ACTIONS:
        expected = f"expected one of {', '.join(ACTIONS)}"
        return refuse(known_id, name, "unknown_action", f"action: got {_show(action)}, {expected}")
    if action != "AUTH" and not id_sound:
        expected = f"expected a string of 1 to {MAX_ID_CHARS} characters"
        return refuse("", name, "invalid_field", f"id: got {_show(command_id)}, {expected}")
    fields = {key: value for key, value in raw.items() if key != "id"}
    try:
        decoded: Any = msgspec.convert(fields, ACTIONS[action])
    except msgspec.ValidationError as error:
        return _explain(known_id, name, fields, str(error))
    return _accept(known_id, name, decoded)


def _accept(command_id: str, name: str, decoded: Any) -> Auth | CommandRequest | CommandResult:
    match decoded:
        case Auth():
            return decoded
        case ClosePositionRequest(engine=engine, position_id=position_id):
            return CommandRequest(command_id, ClosePosition(engine=engine, id=position_id))
        case _ if type(decoded) in _WHY_NOT:
            return refuse(command_id, name, "not_available", f"{name} is not available: {_WHY_NOT[type(decoded)]}")
        case _:
            return CommandRequest(command_id, decoded)


def _explain(command_id: str, name: str, fields: dict[str, Any], error: str) -> CommandResult:
    """msgspec's error with the field, the value and what was expected."""
    named = _NAMED.search(error)
    if named is not None:
        field = named["field"]
        if named[1] == "unknown":
            known = ", ".join(("id", "action", *ACTIONS[name].__struct_fields__))  # type: ignore[attr-defined]
            message = f"{field}: {name} has no such field, expected only {known}"
            return refuse(command_id, name, "unknown_field", message)
        return refuse(command_id, name, "missing_field", f"{field}: missing, {name} needs it")
    where = _WHERE.match(error)
    path = where["path"] if where is not None and where["path"] else "message"
    value = fields.get(path.split(".")[0].split("[")[0])
    if path == "engine" and isinstance(value, str):
        message = f"engine: got {_show(value)}, expected one of {', '.join(ENGINE_IDS)}"
        return refuse(command_id, name, "unknown_engine", message)
    what = where["what"] if where is not None else error
    expected = what[0].lower() + what[1:]
    return refuse(command_id, name, "invalid_field", f"{path}: got {_show(value)}, {expected}")


def _show(value: Any) -> str:
    shown = msgspec.json.encode(value).decode()
    return shown if len(shown) <= MAX_SHOWN_CHARS else f"{shown[:MAX_SHOWN_CHARS]}…"
