"""SPL stake pools as pools: token 0 is SOL (lamports), token 1 the pool token; deposit and withdrawal are hops.

DepositSol mints ``floor(lamports · supply / total)`` pool tokens and keeps ``ceil(minted · sol_deposit_fee)`` of them.
WithdrawSol keeps ``ceil(tokens · sol_withdrawal_fee)``, burns the rest and pays ``floor(burnt · total / supply)`` at
once out of the pool's reserve, which must keep its rent. Source: solana-program/stake-pool
``program/src/{processor,state}.rs``.

verified: program (Sanctum's deployment of 2025-10 with jupSOL's account: both directions, fees, reserve limit, stale
epoch). Refused: a rate older than the epoch, a pool whose authority must sign, an empty pool (its first deposit sets
the rate). Not modelled: where the manager's fee account is unusable the program waives the withdrawal fee; ours then
says less than it pays. Withdrawing stake instead of SOL is not a hop: the stake is locked for the epoch.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import AccountError, Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool_accounts import StakePoolAccount, check_reserve_stake, decode_stake_pool

STAKE_ACCOUNT_RENT_LAMPORTS: Final = 2_282_880
"""Rent of a stake account's 200 bytes: (128 + 200) · 3,480 · 2. What a reserve must keep."""


class StakePool(Struct, frozen=True, gc=False):
    """A pool's account and the lamports of its reserve stake account."""

    account: StakePoolAccount
    reserve_lamports: int


def decode(data: bytes, owner: str, reserve_data: bytes, reserve_owner: str, reserve_lamports: int) -> StakePool:
    """A pool from its account and its reserve's; raises AccountError.

    The caller fetched the reserve at ``account.reserve_stake``.
    """
    account = decode_stake_pool(data, owner)
    check_reserve_stake(reserve_data, reserve_owner)
    if not 0 <= reserve_lamports <= MAX_U64:
        raise AccountError("reserve stake", "lamports", reserve_lamports, "0 to 2^64 - 1")
    return StakePool(account, reserve_lamports)


def pool_tokens_for(account: StakePoolAccount, lamports: int) -> int:
    """Pool tokens worth ``lamports`` before fees, rounded down; raises ValueError for an empty pool."""
    _require_filled(account)
    return lamports * account.pool_token_supply_atoms // account.total_lamports


def lamports_for(account: StakePoolAccount, pool_token_atoms: int) -> int:
    """The redemption value of pool tokens before fees, rounded down; raises ValueError for an empty pool."""
    _require_filled(account)
    return pool_token_atoms * account.total_lamports // account.pool_token_supply_atoms


def quote(pool: StakePool, amount_in_atoms: int, zero_for_one: bool, epoch: int) -> SwapQuote | SwapRefusal:
    """What DepositSol (``zero_for_one``) or WithdrawSol of the whole amount pays in ``epoch``; fees are pool tokens."""
    account = pool.account
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1")
    if account.last_update_epoch < epoch:
        return SwapRefusal(f"the pool's rate is of epoch {account.last_update_epoch}, not updated in epoch {epoch}")
    if not account.total_lamports or not account.pool_token_supply_atoms:
        return SwapRefusal("the pool is empty")
    return _deposit(pool, amount_in_atoms) if zero_for_one else _withdraw(pool, amount_in_atoms)


def apply(pool: StakePool, swap: SwapQuote, zero_for_one: bool) -> StakePool:
    """The pool after the swap; raises ValueError for a quote that does not fit the pool (made for another state)."""
    if zero_for_one:
        lamports, tokens = swap.amount_in_atoms, swap.amount_out_atoms + swap.output_fee_atoms
    else:
        lamports, tokens = -swap.amount_out_atoms, swap.input_fee_atoms - swap.amount_in_atoms
    total, supply = pool.account.total_lamports + lamports, pool.account.pool_token_supply_atoms + tokens
    if total < 0 or supply < 0 or pool.reserve_lamports + lamports < 0:
        raise ValueError(f"swap of {swap.amount_in_atoms} atoms does not fit the pool: it was quoted for another state")
    return StakePool(
        _with_totals(pool.account, total, supply),
        pool.reserve_lamports + lamports,
    )


def segments(pool: StakePool, zero_for_one: bool) -> tuple[Segment, ...]:
    """One segment at the pool's rate less its fee; none where the direction is refused whatever the amount."""
    account = pool.account
    if not account.total_lamports or not account.pool_token_supply_atoms:
        return ()
    total, supply = float(account.total_lamports), float(account.pool_token_supply_atoms)
    if zero_for_one:
        kept = 1.0 - account.sol_deposit_fee.fraction
        if account.sol_deposit_authority is not None or kept <= 0.0:
            return ()
        room = MAX_U64 - max(account.total_lamports, account.pool_token_supply_atoms, pool.reserve_lamports)
        return (Segment(float(room) * min(1.0, total / supply), supply * kept, total, 0.0),)
    kept, free = 1.0 - account.sol_withdrawal_fee.fraction, pool.reserve_lamports - STAKE_ACCOUNT_RENT_LAMPORTS
    if account.sol_withdraw_authority is not None or kept <= 0.0 or free <= 0:
        return ()
    return (Segment(min(float(free) * supply / total, supply) / kept, total * kept, supply, 0.0),)


def _deposit(pool: StakePool, lamports: int) -> SwapQuote | SwapRefusal:
    account = pool.account
    if account.sol_deposit_authority is not None:
        return SwapRefusal(f"deposits need the signature of {account.sol_deposit_authority}")
    minted = lamports * account.pool_token_supply_atoms // account.total_lamports
    fee = account.sol_deposit_fee.of(minted)
    if minted <= fee:
        return SwapRefusal("the deposit mints nothing after the fee")
    after = (
        account.total_lamports + lamports,
        account.pool_token_supply_atoms + minted,
        pool.reserve_lamports + lamports,
    )
    if max(after) > MAX_U64:
        return SwapRefusal("the pool would exceed u64")
    return SwapQuote(lamports, minted - fee, 0, fee)


def _withdraw(pool: StakePool, tokens: int) -> SwapQuote | SwapRefusal:
    account = pool.account
    if account.sol_withdraw_authority is not None:
        return SwapRefusal(f"withdrawals need the signature of {account.sol_withdraw_authority}")
    if tokens > account.pool_token_supply_atoms:
        return SwapRefusal(f"more pool tokens than exist: {account.pool_token_supply_atoms} atoms")
    fee = account.sol_withdrawal_fee.of(tokens)
    lamports = (tokens - fee) * account.total_lamports // account.pool_token_supply_atoms
    if lamports == 0:
        return SwapRefusal("the withdrawal pays nothing after the fee")
    free = max(0, pool.reserve_lamports - STAKE_ACCOUNT_RENT_LAMPORTS)
    if lamports > free:
        return SwapRefusal(f"the reserve pays at most {free} lamports, this needs {lamports}")
    return SwapQuote(tokens, lamports, fee)


def _require_filled(account: StakePoolAccount) -> None:
    if not account.total_lamports or not account.pool_token_supply_atoms:
        raise ValueError(f"stake pool of mint {account.pool_mint} is empty: it has no rate")


def _with_totals(account: StakePoolAccount, total_lamports: int, supply_atoms: int) -> StakePoolAccount:
    return structs.replace(account, total_lamports=total_lamports, pool_token_supply_atoms=supply_atoms)
