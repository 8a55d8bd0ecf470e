"""Accounts off the wire: answers to ``getMultipleAccounts`` and ``accountSubscribe``'s messages, in base64.

One answer shows all of its accounts at one slot. An account that is not on chain comes as null and is told as empty,
without lamports, of the system program (as `dex.pool_accounts.exists` reads it). Source: Solana's JSON-RPC reference,
"getMultipleAccounts" and "accountSubscribe". ``base64+zstd`` is not asked for, so it is refused.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, json

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.core.fact_checks import MAX_ACCOUNT_BYTES
from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM, address_bytes
from phantom_arbiter.venues.wire import WireError, decode

MAX_ADDRESSES: Final = 100
"""In one request: the RPC's own limit."""

Commitment = Literal["processed", "confirmed", "finalized"]
"""How sure the slot is: a processed one may still be dropped with its fork."""

_GET: Final = "POST getMultipleAccounts"
_SUBSCRIBE: Final = "WS accountSubscribe"
_ENCODING: Final = "base64"
_MAX_BASE64: Final = -(-MAX_ACCOUNT_BYTES // 3) * 4
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Context(Struct, frozen=True):
    slot: _Count


class _Account(Struct, frozen=True):
    data: tuple[str, str]
    lamports: Annotated[int, Meta(ge=0)]
    owner: str
    space: _Count | None = None


class _Refusal(Struct, frozen=True):
    code: int
    message: str


class _Values(Struct, frozen=True):
    context: _Context
    value: tuple[_Account | None, ...]


class _Answer(Struct, frozen=True):
    id: int | None = None
    result: _Values | None = None
    error: _Refusal | None = None


class _Value(Struct, frozen=True):
    context: _Context
    value: _Account | None


class _Params(Struct, frozen=True):
    result: _Value
    subscription: _Count


class _Message(Struct, frozen=True):
    id: int | None = None
    method: str | None = None
    params: _Params | None = None
    result: _Count | None = None
    error: _Refusal | None = None


class AccountsAt(Struct, frozen=True):
    """Accounts as one slot showed them."""

    slot: int
    accounts: tuple[AccountRead, ...]


class Subscribed(Struct, frozen=True):
    """The server took a subscription: its messages carry ``subscription`` and no address."""

    request_id: int
    subscription: int


class RpcRefused(WireError):
    """The server understood the request and says no; ``code`` is JSON-RPC's."""

    def __init__(self, endpoint: str, code: int, message: str) -> None:
        super().__init__(endpoint, "error", f"{code} {message}", "a result")
        self.code = code


def accounts_request(request_id: int, addresses: Sequence[str], commitment: Commitment) -> bytes:
    """The body that asks for these accounts; raises ValueError unless there are 1 to 100, each once."""
    if not 0 < len(addresses) <= MAX_ADDRESSES:
        raise ValueError(f"addresses: got {len(addresses)}, expected 1 to {MAX_ADDRESSES}")
    if len(set(addresses)) != len(addresses):
        raise ValueError(f"addresses: got {sorted(addresses)}, expected each once")
    return _request(request_id, "getMultipleAccounts", list(addresses), commitment)


def subscribe_request(request_id: int, address: str, commitment: Commitment) -> bytes:
    """The message that subscribes to an account's changes."""
    return _request(request_id, "accountSubscribe", address, commitment)


def _request(request_id: int, method: str, subject: object, commitment: Commitment) -> bytes:
    params = [subject, {"encoding": _ENCODING, "commitment": commitment}]
    return json.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def parse_accounts(body: bytes, request_id: int, addresses: Sequence[str]) -> AccountsAt:
    """The answer to a request for these addresses, in their order.

    Raises WireError for what breaks the format, an answer to another request, another number of accounts, an encoding
    that was not asked for, data of another length than it says or beyond 2 MiB; RpcRefused for the server's own no.
    """
    answer = decode(_GET, body, _Answer)
    if answer.error is not None:
        raise RpcRefused(_GET, answer.error.code, answer.error.message)
    if answer.id != request_id:
        raise WireError(_GET, "id", answer.id, str(request_id))
    if answer.result is None:
        raise WireError(_GET, "result", None, "this field to be there")
    values = answer.result.value
    if len(values) != len(addresses):
        raise WireError(_GET, "result.value", f"{len(values)} accounts", f"{len(addresses)}, as asked for")
    reads = (
        _account(_GET, f"result.value[{at}]", address, value)
        for at, (address, value) in enumerate(zip(addresses, values, strict=True))
    )
    return AccountsAt(answer.result.context.slot, tuple(reads))


def parse_message(body: bytes | str, subscriptions: Mapping[int, str]) -> AccountsAt | Subscribed:
    """A message of the WebSocket: a subscription taken, or one account's change; ``subscriptions``: their addresses.

    Raises WireError for what breaks the format or belongs to no subscription of ours; RpcRefused for a refusal.
    """
    message = decode(_SUBSCRIBE, body, _Message)
    if message.error is not None:
        raise RpcRefused(_SUBSCRIBE, message.error.code, message.error.message)
    if message.method is None:
        if message.id is None or message.result is None:
            raise WireError(_SUBSCRIBE, "method", None, "accountNotification, or an id and a result")
        return Subscribed(message.id, message.result)
    if message.method != "accountNotification":
        raise WireError(_SUBSCRIBE, "method", message.method, "accountNotification")
    if message.params is None:
        raise WireError(_SUBSCRIBE, "params", None, "this field to be there")
    address = subscriptions.get(message.params.subscription)
    if address is None:
        raise WireError(_SUBSCRIBE, "params.subscription", message.params.subscription, "a subscription of ours")
    told = message.params.result
    return AccountsAt(told.context.slot, (_account(_SUBSCRIBE, "params.result.value", address, told.value),))


def _account(endpoint: str, at: str, address: str, told: _Account | None) -> AccountRead:
    if told is None:
        return AccountRead(address, SYSTEM_PROGRAM, 0, b"")
    text, encoding = told.data
    if encoding != _ENCODING:
        raise WireError(endpoint, f"{at}.data[1]", encoding, _ENCODING)
    if len(text) > _MAX_BASE64:
        raise WireError(endpoint, f"{at}.data[0]", f"{len(text)} letters", f"at most {MAX_ACCOUNT_BYTES} bytes")
    if told.lamports > MAX_U64:
        raise WireError(endpoint, f"{at}.lamports", told.lamports, "0 to 2^64 - 1")
    try:
        address_bytes(told.owner)
    except ValueError as error:
        raise WireError(endpoint, f"{at}.owner", told.owner, "an address in base58") from error
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError(endpoint, f"{at}.data[0]", text, f"base64 ({error})") from error
    if told.space is not None and told.space != len(data):
        raise WireError(endpoint, f"{at}.space", told.space, f"the {len(data)} bytes of data")
    return AccountRead(address, told.owner, told.lamports, data)
