"""The chain's own clock: the ``Clock`` sysvar account (40 bytes), which programs read for slot, time and epoch.

Layout: Solana's SDK, ``Clock``: slot, start of the epoch, epoch, the leader schedule's epoch, unix time.
"""

from __future__ import annotations

from struct import Struct as Layout
from typing import Final

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pools import Moment

CLOCK_ADDRESS: Final = "SysvarC1ock11111111111111111111111111111111"
SYSVAR_OWNER: Final = "Sysvar1111111111111111111111111111111111111"

_CLOCK: Final = Layout("<QqQQq")
_KIND: Final = "Clock sysvar"
_FIRST_S, _LAST_S = 1_584_000_000, 4_000_000_000
"""Solana began in March 2020."""


def decode_clock(account: AccountRead) -> Moment:
    """The moment that the account tells; raises AccountError for another account, owner or length, or no such time."""
    if account.address != CLOCK_ADDRESS:
        raise AccountError(_KIND, "address", account.address, CLOCK_ADDRESS)
    if account.owner != SYSVAR_OWNER:
        raise AccountError(_KIND, "owner", account.owner, SYSVAR_OWNER)
    if len(account.data) != _CLOCK.size:
        raise AccountError(_KIND, "length", len(account.data), f"{_CLOCK.size} bytes")
    slot, _, epoch, _, unix_time_s = _CLOCK.unpack(account.data)
    if not _FIRST_S <= unix_time_s <= _LAST_S:
        raise AccountError(_KIND, "unix_timestamp", unix_time_s, f"{_FIRST_S} to {_LAST_S}")
    return Moment(slot, unix_time_s, epoch)
