"""Market facts at the door: sound ones pass, others are refused by the field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import (
    AccountRead,
    FundingPosted,
    OraclePosted,
    PoolAccountsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
    TimerFired,
)
from phantom_arbiter.core.fact_checks import MAX_ACCOUNT_BYTES, MAX_POOL_ACCOUNTS, FactError, check_fact

READ = AccountRead("address", "owner", 0, b"")
QUOTED = Quoted("SOL/USDC", 100, 100, 1)
ORACLE = OraclePosted("SOL-PERP", 100, 0, 1)
FUNDING = FundingPosted("SOL-PERP", 1_000, 100, 99, 1)
POOL = PoolUpdated("pool", "dex", "SOL", "USDC", 0, 2**64 - 1, 0, 1, 1)
ACCOUNTS = PoolAccountsRead("pool", "whirlpool", "orca", "SOL", "USDC", 0, 0, 0, (READ,))
STAKE_POOL = StakePoolRead("jitoSOL", 1_000, 100, 7, 7, 0, 0, 0, 0)
SOUND = [QUOTED, ORACLE, FUNDING, POOL, ACCOUNTS, STAKE_POOL, TimerFired("tick")]


def reads(count: int) -> tuple[AccountRead, ...]:
    return tuple(replace(READ, address=str(number)) for number in range(count))


@pytest.mark.parametrize("fact", SOUND, ids=lambda fact: type(fact).__name__)
def test_a_sound_fact_passes_up_to_its_bounds(fact):
    check_fact(fact)


def test_the_largest_pool_passes():
    check_fact(replace(ACCOUNTS, accounts=reads(MAX_POOL_ACCOUNTS)))
    whole = replace(READ, data=bytes(MAX_ACCOUNT_BYTES), lamports=2**64 - 1)
    check_fact(replace(ACCOUNTS, accounts=(whole,)))


@pytest.mark.parametrize(
    ("fact", "changes", "field"),
    [
        (QUOTED, {"bid_px": 0}, "Quoted.bid_px: got 0"),
        (QUOTED, {"ask_px": 99}, "Quoted.ask_px: got 99, expected at least the bid 100"),
        (ORACLE, {"px": 0}, "OraclePosted.px"),
        (ORACLE, {"conf_px": -1}, "OraclePosted.conf_px"),
        (FUNDING, {"oracle_twap_px": 0}, "FundingPosted.oracle_twap_px"),
        (FUNDING, {"rate_e9": 1_001}, "FundingPosted.rate_e9"),
        (FUNDING, {"rate_e9": -1_001}, "FundingPosted.rate_e9"),
        (POOL, {"asset_1": "SOL"}, "PoolUpdated.asset_1"),
        (POOL, {"reserve_0_atoms": 2**64}, "PoolUpdated.reserve"),
        (POOL, {"reserve_0_atoms": -1}, "PoolUpdated.reserve_0_atoms"),
        (POOL, {"reserve_1_atoms": -1}, "PoolUpdated.reserve_1_atoms"),
        (POOL, {"fee_num": 1}, "PoolUpdated.fee_num"),
        (POOL, {"fee_num": -1}, "PoolUpdated.fee_num"),
        (ACCOUNTS, {"asset_1": "SOL"}, "PoolAccountsRead.asset_1"),
        (ACCOUNTS, {"accounts": ()}, "PoolAccountsRead.accounts: got 0, expected 1 to 64 accounts"),
        (ACCOUNTS, {"accounts": reads(MAX_POOL_ACCOUNTS + 1)}, "PoolAccountsRead.accounts: got 65"),
        (ACCOUNTS, {"accounts": (READ, READ)}, "PoolAccountsRead.accounts: got .*each address once"),
        (ACCOUNTS, {"accounts": (replace(READ, lamports=-1),)}, "PoolAccountsRead.lamports"),
        (ACCOUNTS, {"accounts": (replace(READ, lamports=2**64),)}, "PoolAccountsRead.lamports"),
        (ACCOUNTS, {"accounts": (replace(READ, data=bytes(MAX_ACCOUNT_BYTES + 1)),)}, "PoolAccountsRead.data"),
        (ACCOUNTS, {"slot": -1}, "PoolAccountsRead.slot"),
        (ACCOUNTS, {"unix_time_s": -1}, "PoolAccountsRead.unix_time_s"),
        (ACCOUNTS, {"epoch": -1}, "PoolAccountsRead.epoch"),
        (STAKE_POOL, {"supply_atoms": 0}, "StakePoolRead.total_lamports"),
        (STAKE_POOL, {"total_lamports": 49}, "StakePoolRead.total_lamports"),
        (STAKE_POOL, {"total_lamports": 1_001}, "StakePoolRead.total_lamports"),
    ],
)
def test_a_fact_that_is_not_sound_is_refused_by_the_field(fact, changes, field):
    with pytest.raises(FactError, match=field):
        check_fact(replace(fact, **changes))


@given(st.integers(1, 10**9), st.integers(-(10**11), 10**11))
def test_a_rate_is_within_one_percent_an_hour_of_the_twap(twap, rate):
    fact = replace(FUNDING, oracle_twap_px=twap, rate_e9=rate)
    if abs(rate) * 100 <= twap * 1_000:
        check_fact(fact)
    else:
        with pytest.raises(FactError, match="at most 1 %/h"):
            check_fact(fact)
