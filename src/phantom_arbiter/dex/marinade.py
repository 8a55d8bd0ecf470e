"""Marinade as a pool: token 0 is SOL (lamports), token 1 mSOL; deposit and liquid unstake are hops.

Deposit pays ``floor(lamports · supply / staked)`` mSOL, first out of the liquidity pool's mSOL, the rest minted.
Liquid unstake sells mSOL to the liquidity pool at the same rate less a fee in whole basis points, linear in the SOL
that would be left: ``max − floor((max − min) · left / target)``, ``min`` from the target on. The fee is of the whole
amount, so at each step of a basis point the payment falls by that much before it rises again, and two halves can pay
more than one whole: no free money, but no convexity either. Source: marinade-finance/liquid-staking-program
``instructions/user/deposit.rs``, ``instructions/liq_pool/liquid_unstake.rs``, ``state/{mod,liq_pool,fee}.rs``.

verified: program (the binary of 2025-06 with Marinade's account: both directions, limits, paused). Refused: a SOL
deposit fee (the version of 2026-06 has one; nothing verifies it), an empty pool. Delayed unstake and stake accounts
are not hops: they end in a later epoch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex.account_bytes import AccountReader
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

MARINADE_PROGRAM: Final = "MarBmsSgKXdrN1egZf5sqe1TMai9K1rChYNDJgjq7aD"
MARINADE_STATE_BYTES: Final = 2_616
_STATE_DISCRIMINATOR: Final = "d8926b5e684bb6b1"
_LIST_BYTES: Final = 76
_UPGRADER_BYTES: Final = (20, 12, 0)
"""What follows the tag of ``DelinquentUpgraderState``: iterating stakes, iterating validators, done."""


class MarinadeState(Struct, frozen=True, gc=False):
    """Marinade's state account, what prices need. ``deposit_fee_ppm`` is zero bytes before the version of 2026-06."""

    msol_mint: str
    treasury_msol_account: str
    rent_lamports: int
    msol_leg: str
    delayed_unstake_lamports: int
    active_lamports: int
    liquidity_target_lamports: int
    max_fee_bps: int
    min_fee_bps: int
    treasury_cut_bps: int
    reserve_lamports: int
    msol_supply_atoms: int
    msol_price_x32: int
    ticket_lamports: int
    min_deposit_lamports: int
    min_withdraw_lamports: int
    staking_cap_lamports: int
    emergency_lamports: int
    deposit_fee_ppm: int

    @property
    def controlled_lamports(self) -> int:
        """Active, cooling down and in the reserve."""
        cooling = self.delayed_unstake_lamports + self.emergency_lamports
        return self.active_lamports + cooling + self.reserve_lamports

    @property
    def staked_lamports(self) -> int:
        """What all mSOL is worth: controlled less what unstake tickets wait for, not below zero."""
        return max(0, self.controlled_lamports - self.ticket_lamports)


class MarinadePool(Struct, frozen=True, gc=False):
    """The state with the balances of its accounts.

    ``msol_mint_supply_atoms`` is the mint's own supply; ``treasury_takes_cut``: the treasury's mSOL account exists, so
    its cut of the fee leaves the liquidity pool.
    """

    state: MarinadeState
    sol_leg_lamports: int
    msol_leg_atoms: int
    msol_mint_supply_atoms: int
    treasury_takes_cut: bool = True


def decode_marinade_state(data: bytes, owner: str) -> MarinadeState:
    """Marinade's ``State`` account; raises AccountError for another owner, length or discriminator, a bad field,
    or while paused."""
    lengths = frozenset({MARINADE_STATE_BYTES})
    reader = AccountReader("Marinade state", data, owner, frozenset({MARINADE_PROGRAM}), lengths)
    discriminator = reader.raw("discriminator", 8).hex()
    if discriminator != _STATE_DISCRIMINATOR:
        raise reader.misfit("discriminator", discriminator, _STATE_DISCRIMINATOR)
    return MarinadeState(
        msol_mint=reader.address("msol_mint"),
        treasury_msol_account=_past(reader, 64).address("treasury_msol_account"),
        rent_lamports=_past(reader, 2).unsigned("rent_exempt_for_token_acc"),
        delayed_unstake_lamports=_past(reader, 4 + _LIST_BYTES).unsigned("delayed_unstake_cooling_down"),
        active_lamports=_past(reader, 30 + _LIST_BYTES + 36).unsigned("total_active_balance"),
        msol_leg=_past(reader, 1 + 35).address("liq_pool.msol_leg"),
        liquidity_target_lamports=_target(reader),
        max_fee_bps=_basis_points(reader, "liq_pool.lp_max_fee", BPS),
        min_fee_bps=_basis_points(reader, "liq_pool.lp_min_fee", BPS),
        treasury_cut_bps=_basis_points(reader, "liq_pool.treasury_cut", BPS),
        reserve_lamports=_past(reader, 24).unsigned("available_reserve_balance"),
        msol_supply_atoms=reader.unsigned("msol_supply"),
        msol_price_x32=reader.unsigned("msol_price"),
        ticket_lamports=_past(reader, 8).unsigned("circulating_ticket_balance"),
        min_deposit_lamports=_past(reader, 8).unsigned("min_deposit"),
        min_withdraw_lamports=reader.unsigned("min_withdraw"),
        staking_cap_lamports=reader.unsigned("staking_sol_cap"),
        emergency_lamports=reader.unsigned("emergency_cooling_down"),
        deposit_fee_ppm=_deposit_fee(reader),
    )


def quote(pool: MarinadePool, amount_in_atoms: int, zero_for_one: bool) -> SwapQuote | SwapRefusal:
    """What Deposit (``zero_for_one``) or LiquidUnstake of the whole amount pays."""
    state = pool.state
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1")
    if not state.staked_lamports or not state.msol_supply_atoms:
        return SwapRefusal("the pool is empty")
    return _deposit(pool, amount_in_atoms) if zero_for_one else _unstake(pool, amount_in_atoms)


def apply(pool: MarinadePool, swap: SwapQuote, zero_for_one: bool) -> MarinadePool:
    """The pool after the swap; raises ValueError for a quote that does not fit the pool (made for another state)."""
    state = pool.state
    if not zero_for_one:
        cut = swap.input_fee_atoms * state.treasury_cut_bps // BPS if pool.treasury_takes_cut else 0
        if swap.amount_out_atoms > pool.sol_leg_lamports:
            raise ValueError(
                f"swap of {swap.amount_in_atoms} atoms does not fit the pool: it was quoted for another state"
            )
        return structs.replace(
            pool,
            sol_leg_lamports=pool.sol_leg_lamports - swap.amount_out_atoms,
            msol_leg_atoms=pool.msol_leg_atoms + swap.amount_in_atoms - cut,
        )
    sold, to_leg = _from_leg(pool, swap.amount_in_atoms, swap.amount_out_atoms)
    minted = swap.amount_out_atoms - sold
    return structs.replace(
        pool,
        state=structs.replace(
            state,
            reserve_lamports=state.reserve_lamports + swap.amount_in_atoms - to_leg,
            msol_supply_atoms=state.msol_supply_atoms + minted,
        ),
        sol_leg_lamports=pool.sol_leg_lamports + to_leg,
        msol_leg_atoms=pool.msol_leg_atoms - sold,
        msol_mint_supply_atoms=pool.msol_mint_supply_atoms + minted,
    )


def segments(pool: MarinadePool, zero_for_one: bool) -> tuple[Segment, ...]:
    """The deposit is one segment. The unstake's are about thirty chords over its steps, within two basis points of the
    whole input and a thirtieth of the fee's span of the quote: for screening, as `quote` alone knows the steps."""
    state = pool.state
    if not state.staked_lamports or not state.msol_supply_atoms:
        return ()
    if zero_for_one:
        leg = pool.msol_leg_atoms * state.staked_lamports // state.msol_supply_atoms
        room = max(0, state.staking_cap_lamports - state.controlled_lamports) + leg
        if state.deposit_fee_ppm or not room:
            return ()
        return (Segment(float(room), float(state.msol_supply_atoms), float(state.staked_lamports), 0.0),)
    points = _unstake_points(pool)
    return tuple(
        Segment(right - left, (paid_right - paid_left) / (right - left), 1.0, 0.0)
        for (left, paid_left), (right, paid_right) in pairwise(points)
        if right > left and paid_right > paid_left
    )


def unstake_fee_bps(state: MarinadeState, left_lamports: int) -> int:
    """The liquid-unstake fee when ``left_lamports`` stay in the liquidity pool (rent not counted); ≤ 0 is the most."""
    if left_lamports <= 0:
        return state.max_fee_bps
    if left_lamports >= state.liquidity_target_lamports:
        return state.min_fee_bps
    span = max(0, state.max_fee_bps - state.min_fee_bps)
    return state.max_fee_bps - span * left_lamports // state.liquidity_target_lamports


def _deposit(pool: MarinadePool, lamports: int) -> SwapQuote | SwapRefusal:
    state = pool.state
    if state.deposit_fee_ppm:
        return SwapRefusal(f"a deposit fee of {state.deposit_fee_ppm} ppm is set; nothing verifies its rounding")
    if lamports < state.min_deposit_lamports:
        return SwapRefusal(f"deposits are of at least {state.min_deposit_lamports} lamports")
    if pool.msol_mint_supply_atoms > state.msol_supply_atoms:
        return SwapRefusal("more mSOL exists than Marinade minted")
    bought = lamports * state.msol_supply_atoms // state.staked_lamports
    if not 0 < bought <= MAX_U64:
        return SwapRefusal("the deposit pays nothing" if not bought else "the output exceeds u64")
    staked = lamports - _from_leg(pool, lamports, bought)[1]
    if staked and state.controlled_lamports + staked > state.staking_cap_lamports:
        return SwapRefusal(f"staking is capped at {state.staking_cap_lamports} lamports")
    return SwapQuote(lamports, bought, 0)


def _from_leg(pool: MarinadePool, lamports: int, bought: int) -> tuple[int, int]:
    """mSOL that the liquidity pool sells of a deposit, and the lamports it takes for it."""
    sold = min(bought, pool.msol_leg_atoms)
    return sold, lamports if sold == bought else _value(pool.state, sold)


def _unstake(pool: MarinadePool, msol_atoms: int) -> SwapQuote | SwapRefusal:
    state = pool.state
    left = max(0, pool.sol_leg_lamports - state.rent_lamports) - _value(state, msol_atoms)
    fee = msol_atoms * unstake_fee_bps(state, left) // BPS
    lamports = _value(state, msol_atoms - fee)
    if lamports + state.rent_lamports > pool.sol_leg_lamports:
        return SwapRefusal(
            f"the liquidity pool has {pool.sol_leg_lamports} lamports, this needs {lamports} and its rent"
        )
    if lamports < max(1, state.min_withdraw_lamports):
        return SwapRefusal(f"withdrawals are of at least {max(1, state.min_withdraw_lamports)} lamports")
    return SwapQuote(msol_atoms, lamports, fee)


def _value(state: MarinadeState, msol_atoms: int) -> int:
    return msol_atoms * state.staked_lamports // state.msol_supply_atoms


def _unstake_points(pool: MarinadePool) -> list[tuple[float, float]]:
    """(mSOL in, lamports out) in floats at the worse side of some of the fee's steps, and where the SOL ends."""
    state = pool.state
    liquidity = max(0, pool.sol_leg_lamports - state.rent_lamports)
    rate = state.staked_lamports / state.msol_supply_atoms
    span = max(1, state.max_fee_bps - state.min_fee_bps)
    top = min(span, liquidity * span // state.liquidity_target_lamports)
    kept_at = [(0.0, 0.0)]
    if liquidity > state.liquidity_target_lamports:
        flat = (liquidity - state.liquidity_target_lamports) / rate
        kept_at.append((flat, flat * rate * (1.0 - state.min_fee_bps / BPS)))
    for step in _steps(top, skip_first=len(kept_at) > 1):
        sold = (liquidity - step * state.liquidity_target_lamports / span) / rate
        fee = state.max_fee_bps - (step - 1) if state.max_fee_bps > state.min_fee_bps else state.max_fee_bps
        kept_at.append((sold, sold * rate * (1.0 - fee / BPS)))
    kept_at.append((liquidity / (rate * (1.0 - state.max_fee_bps / BPS)), float(liquidity)))
    return kept_at


def _steps(top: int, skip_first: bool) -> list[int]:
    """The fee's steps to sample, from ``top`` down to 1: every one at first, then each fifth further than the last."""
    steps, down = [] if skip_first else [max(1, top)], 1
    while down < top:
        steps.append(top - down)
        down = max(down + 1, down * 5 // 4)
    return steps if steps and steps[-1] == 1 else [*steps, 1]


def _past(reader: AccountReader, size: int) -> AccountReader:
    reader.raw("state", size)
    return reader


def _target(reader: AccountReader) -> int:
    target = reader.unsigned("liq_pool.lp_liquidity_target")
    if not target:
        raise reader.misfit("liq_pool.lp_liquidity_target", target, "at least 1 lamport")
    return target


def _basis_points(reader: AccountReader, field: str, limit: int) -> int:
    value = reader.unsigned(field, 4)
    if value >= limit:
        raise reader.misfit(field, value, f"0 to {limit - 1}")
    return value


def _deposit_fee(reader: AccountReader) -> int:
    reader.raw("pause_authority", 32)
    reader.expect("paused", 1, 0)
    reader.raw("fees and stake moves", 29)
    tag = reader.unsigned("delinquent_upgrader", 1)
    if tag >= len(_UPGRADER_BYTES):
        raise reader.misfit("delinquent_upgrader", tag, "0, 1 or 2")
    reader.raw("delinquent_upgrader", _UPGRADER_BYTES[tag])
    return reader.unsigned("deposit_sol_fee", 4)
