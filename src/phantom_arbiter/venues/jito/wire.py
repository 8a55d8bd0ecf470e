"""Jito's block engine in bytes: JSON-RPC requests to ``/api/v1/bundles``, its answers, and the tip floor.

Signed transactions go in base64. A bundle is one to five transactions; an answer that a bundle was received says
nothing of whether it lands: ask for its status. Source: jito-docs at 0374a6bf, "Low Latency Transaction Send".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from decimal import ROUND_UP
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from phantom_arbiter.core.units import LAMPORTS_PER_SOL
from phantom_arbiter.dex.addresses import address_bytes
from phantom_arbiter.venues.wire import WireError, decode, number

MAX_BUNDLE: Final = 5
MAX_IDS: Final = 5
MIN_TIP_LAMPORTS: Final = 1_000
"""The block engine's least tip for a bundle."""

_SEND, _STATUSES = "POST sendBundle", "POST getBundleStatuses"
_INFLIGHT, _TIP_ACCOUNTS = "POST getInflightBundleStatuses", "POST getTipAccounts"
_TIP_FLOOR: Final = "GET tip_floor"
_MAX_TIP_SOL: Final = 1_000
_BundleId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{32,100}\Z")]
_Slot = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Result = TypeVar("_Result")


class Inflight(StrEnum):
    """Where a bundle of the last five minutes is. INVALID: the engine does not know it (any more)."""

    INVALID = "Invalid"
    PENDING = "Pending"
    FAILED = "Failed"
    LANDED = "Landed"


class BundleRefused(Struct, frozen=True, gc=False):
    """The engine's own refusal of a request, in its words."""

    code: int
    message: str


class BundleStatus(Struct, frozen=True):
    """A bundle that is on chain. ``signatures`` in base58; ``error``: what the chain made of it, empty for success."""

    bundle_id: str
    signatures: tuple[str, ...]
    slot: int
    confirmation: Literal["processed", "confirmed", "finalized"]
    error: str


class InflightStatus(Struct, frozen=True, gc=False):
    """A bundle on its way; ``landed_slot`` is None unless it landed."""

    bundle_id: str
    status: Inflight
    landed_slot: int | None


class TipFloor(Struct, frozen=True, gc=False):
    """Tips that landed, in lamports, by percentile, and the moving average of the median; each rounded up."""

    p25_lamports: int
    p50_lamports: int
    p75_lamports: int
    p95_lamports: int
    p99_lamports: int
    average_p50_lamports: int


class _Answer(Struct, Generic[_Result], frozen=True):
    result: _Result | UnsetType = UNSET
    error: BundleRefused | None = None


class _Values(Struct, Generic[_Result], frozen=True):
    value: tuple[_Result | None, ...]


class _Status(Struct, frozen=True):
    bundle_id: _BundleId
    transactions: tuple[str, ...]
    slot: _Slot
    confirmation_status: Literal["processed", "confirmed", "finalized"]
    err: dict[str, Any] | None = None


class _Inflight(Struct, frozen=True):
    bundle_id: _BundleId
    status: Inflight
    landed_slot: _Slot | None


class _Floor(Struct, frozen=True):
    landed_tips_25th_percentile: Raw
    landed_tips_50th_percentile: Raw
    landed_tips_75th_percentile: Raw
    landed_tips_95th_percentile: Raw
    landed_tips_99th_percentile: Raw
    ema_landed_tips_50th_percentile: Raw


def send_bundle(transactions: Sequence[bytes], request_id: int) -> bytes:
    """The body that sends signed transactions as one bundle, in their order. ValueError unless there are 1 to 5."""
    if not 1 <= len(transactions) <= MAX_BUNDLE:
        raise ValueError(f"transactions: got {len(transactions)}, expected 1 to {MAX_BUNDLE}")
    encoded = [b64encode(transaction).decode() for transaction in transactions]
    return _request("sendBundle", [encoded, {"encoding": "base64"}], request_id)


def bundle_statuses(bundle_ids: Sequence[str], request_id: int) -> bytes:
    """The body that asks which bundles are on chain. ValueError unless there are 1 to 5."""
    return _request("getBundleStatuses", [_some(bundle_ids)], request_id)


def inflight_statuses(bundle_ids: Sequence[str], request_id: int) -> bytes:
    """The body that asks where bundles of the last five minutes are. ValueError unless there are 1 to 5."""
    return _request("getInflightBundleStatuses", [_some(bundle_ids)], request_id)


def tip_accounts(request_id: int) -> bytes:
    """The body that asks for the accounts that take tips."""
    return _request("getTipAccounts", [], request_id)


def parse_sent(body: bytes) -> str | BundleRefused:
    """The id of the bundle that was received. WireError for what breaks the format."""
    return _result(_SEND, decode(_SEND, body, _Answer[_BundleId]))


def parse_bundle_statuses(body: bytes) -> tuple[BundleStatus, ...] | BundleRefused:
    """The bundles that are on chain; those that are not are left out. WireError for what breaks the format."""
    values = _result(_STATUSES, decode(_STATUSES, body, _Answer[_Values[_Status] | None]))
    if isinstance(values, BundleRefused):
        return values
    return tuple(_status(row) for row in (values.value if values else ()) if row is not None)


def parse_inflight_statuses(body: bytes) -> tuple[InflightStatus, ...] | BundleRefused:
    """Where the bundles are. WireError for what breaks the format, and for a slot that contradicts the status."""
    values = _result(_INFLIGHT, decode(_INFLIGHT, body, _Answer[_Values[_Inflight] | None]))
    if isinstance(values, BundleRefused):
        return values
    found = []
    for index, row in enumerate(values.value if values else ()):
        if row is None:
            continue
        if (row.status is Inflight.LANDED) is (row.landed_slot is None):
            expected = "a slot where the bundle landed, and null elsewhere"
            raise WireError(_INFLIGHT, f"result.value[{index}].landed_slot", row.landed_slot, expected)
        found.append(InflightStatus(row.bundle_id, row.status, row.landed_slot))
    return tuple(found)


def parse_tip_accounts(body: bytes) -> tuple[str, ...] | BundleRefused:
    """The accounts that take tips, at least one. WireError for what breaks the format or is no address."""
    accounts = _result(_TIP_ACCOUNTS, decode(_TIP_ACCOUNTS, body, _Answer[tuple[str, ...]]))
    if isinstance(accounts, BundleRefused):
        return accounts
    if not accounts:
        raise WireError(_TIP_ACCOUNTS, "result", accounts, "at least one account")
    for index, account in enumerate(accounts):
        try:
            address_bytes(account)
        except ValueError as error:
            raise WireError(_TIP_ACCOUNTS, f"result[{index}]", account, "an address in base58") from error
    return accounts


def parse_tip_floor(body: bytes) -> TipFloor:
    """``GET /api/v1/bundles/tip_floor``: one row, in SOL. WireError for what breaks the format, and for percentiles
    that fall."""
    rows = decode(_TIP_FLOOR, body, tuple[_Floor, ...])
    if len(rows) != 1:
        raise WireError(_TIP_FLOOR, "body", f"{len(rows)} rows", "one row")
    row = rows[0]
    names = [f"landed_tips_{percentile}th_percentile" for percentile in (25, 50, 75, 95, 99)]
    tips = [_lamports(name, getattr(row, name)) for name in names]
    if tips != sorted(tips):
        raise WireError(_TIP_FLOOR, names[0], tips, "percentiles that do not fall")
    p25, p50, p75, p95, p99 = tips
    average = "ema_landed_tips_50th_percentile"
    return TipFloor(p25, p50, p75, p95, p99, _lamports(average, row.ema_landed_tips_50th_percentile))


def _request(method: str, params: list[Any], request_id: int) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def _some(bundle_ids: Sequence[str]) -> list[str]:
    if not 1 <= len(bundle_ids) <= MAX_IDS:
        raise ValueError(f"bundle_ids: got {len(bundle_ids)}, expected 1 to {MAX_IDS}")
    return list(bundle_ids)


def _result(endpoint: str, answer: _Answer[_Result]) -> _Result | BundleRefused:
    if answer.error is not None:
        return answer.error
    if isinstance(answer.result, UnsetType):
        raise WireError(endpoint, "result", None, "a result or an error")
    return answer.result


def _status(row: _Status) -> BundleStatus:
    failed = row.err is not None and row.err != {"Ok": None}
    error = msgspec.json.encode(row.err).decode() if failed else ""
    return BundleStatus(row.bundle_id, row.transactions, row.slot, row.confirmation_status, error)


def _lamports(field: str, raw: Raw) -> int:
    """SOL in a JSON number, rounded up: a tip of a lamport less would be below the floor."""
    sol = number(_TIP_FLOOR, field, raw)
    if not 0 <= sol < _MAX_TIP_SOL:
        raise WireError(_TIP_FLOOR, field, str(sol), f"SOL, at least 0 and below {_MAX_TIP_SOL}")
    return int((sol * LAMPORTS_PER_SOL).to_integral_value(ROUND_UP))
