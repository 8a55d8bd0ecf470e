"""What a market fact must hold to be let in: positive, ordered, within what its field can be."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.events import (
    Fact,
    FundingPosted,
    OraclePosted,
    PoolAccountsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
)
from phantom_arbiter.core.units import MAX_U64

MAX_POOL_ACCOUNTS: Final = 64
"""A DLMM pool with its widest window of bin arrays needs fewer."""
MAX_ACCOUNT_BYTES: Final = 2**21
"""The largest Phoenix market has 1.7 MB."""
_ACCOUNTS_RANGE: Final = f"1 to {MAX_POOL_ACCOUNTS} accounts"


class FactError(ValueError):
    """A fact that is not sound; the message names the field, the value and what was expected."""


def _need(sound: bool, fact: Fact, name: str, value: object, expected: str) -> None:
    if not sound:
        raise FactError(f"{type(fact).__name__}.{name}: got {value!r}, expected {expected}")


def check_fact(fact: Fact) -> None:
    """Refuse a market fact that is not sound; raises `FactError`. Facts of other kinds pass."""
    match fact:
        case Quoted():
            _need(fact.bid_px > 0, fact, "bid_px", fact.bid_px, "a positive integer")
            _need(
                fact.ask_px >= fact.bid_px,
                fact,
                "ask_px",
                fact.ask_px,
                f"at least the bid {fact.bid_px} (crossed)",
            )
        case OraclePosted():
            _need(fact.px > 0, fact, "px", fact.px, "a positive integer")
            _need(fact.conf_px >= 0, fact, "conf_px", fact.conf_px, "zero or more")
        case PoolUpdated():
            _need(fact.asset_0 != fact.asset_1, fact, "asset_1", fact.asset_1, "another asset than asset_0")
            most = max(fact.reserve_0_atoms, fact.reserve_1_atoms)
            _need(most <= MAX_U64, fact, "reserve", most, "at most 2**64 - 1")
            _need(fact.reserve_0_atoms >= 0, fact, "reserve_0_atoms", fact.reserve_0_atoms, "zero or more")
            _need(fact.reserve_1_atoms >= 0, fact, "reserve_1_atoms", fact.reserve_1_atoms, "zero or more")
            _need(0 <= fact.fee_num < fact.fee_den, fact, "fee_num", fact.fee_num, f"0 to below {fact.fee_den}")
        case PoolAccountsRead():
            _need(fact.asset_0 != fact.asset_1, fact, "asset_1", fact.asset_1, "another asset than asset_0")
            _need(0 < len(fact.accounts) <= MAX_POOL_ACCOUNTS, fact, "accounts", len(fact.accounts), _ACCOUNTS_RANGE)
            for name, value in (("slot", fact.slot), ("unix_time_s", fact.unix_time_s), ("epoch", fact.epoch)):
                _need(value >= 0, fact, name, value, "zero or more")
            addresses = sorted(account.address for account in fact.accounts)
            _need(len(set(addresses)) == len(addresses), fact, "accounts", addresses, "each address once")
            for account in fact.accounts:
                size = len(account.data)
                _need(size <= MAX_ACCOUNT_BYTES, fact, "data", size, f"at most {MAX_ACCOUNT_BYTES} bytes")
                _need(0 <= account.lamports <= MAX_U64, fact, "lamports", account.lamports, "0 to 2**64 - 1")
        case FundingPosted():
            twap = fact.oracle_twap_px
            _need(twap > 0, fact, "oracle_twap_px", twap, "a positive integer")
            # rate_e9 is quote per base at 1e9, the TWAP at 1e6: 1 % of notional an hour is rate_e9 = twap * 10.
            bound = twap * 10
            _need(
                abs(fact.rate_e9) <= bound,
                fact,
                "rate_e9",
                fact.rate_e9,
                f"at most 1 %/h of the TWAP ({bound})",
            )
        case StakePoolRead():
            rate_ok = fact.supply_atoms > 0 and fact.supply_atoms // 2 <= fact.total_lamports <= fact.supply_atoms * 10
            _need(
                rate_ok,
                fact,
                "total_lamports",
                fact.total_lamports,
                f"0.5 to 10 SOL per token of {fact.supply_atoms}",
            )
        case _:
            return
