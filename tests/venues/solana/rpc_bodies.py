"""Answers as the RPC writes them."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.venues.solana.accounts_wire import AccountsAt
from phantom_arbiter.venues.solana.chain_clock import CLOCK_ADDRESS, SYSVAR_OWNER

SLOT = 300_000_000


def value(read: AccountRead, **changes: Any) -> dict[str, Any]:
    told = {
        "data": [b64encode(read.data).decode(), "base64"],
        "executable": False,
        "lamports": read.lamports,
        "owner": read.owner,
        "rentEpoch": 2**64 - 1,
        "space": len(read.data),
    }
    return told | changes


def answer(reads: Sequence[AccountRead | None], slot: int = SLOT, request_id: int = 1, **changes: Any) -> bytes:
    """Of ``getMultipleAccounts``; None: not on chain."""
    values = [None if read is None else value(read, **changes) for read in reads]
    result = {"context": {"apiVersion": "4.3.2", "slot": slot}, "value": values}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": request_id}).encode()


def notification(read: AccountRead | None, subscription: int, slot: int = SLOT, **changes: Any) -> bytes:
    result = {"context": {"slot": slot}, "value": None if read is None else value(read, **changes)}
    params = {"result": result, "subscription": subscription}
    return json.dumps({"jsonrpc": "2.0", "method": "accountNotification", "params": params}).encode()


def clock(slot: int = SLOT, unix_time_s: int = 1_783_662_993, epoch: int = 7) -> AccountRead:
    data = struct.pack("<QqQQq", slot, unix_time_s - 3_600, epoch, epoch + 1, unix_time_s)
    return AccountRead(CLOCK_ADDRESS, SYSVAR_OWNER, 1_169_280, data)


def at(slot: int, *reads: AccountRead) -> AccountsAt:
    return AccountsAt(slot, reads)
