"""What an LST is worth: what its stake pool owes for it, now and through the two ways of redeeming.

Source of the formulas: reference/trading-domain.md §1.1 and §1.4. Values are floats in lamports per atom; amounts are
integers. Staking yield needs no bookkeeping here: the number of tokens stays, and the rate grows by some 4 bps each
epoch, so that the fair value of what is held grows with every reading (the kernel books it as P&L by staking).
"""

from __future__ import annotations

import math

from msgspec import Struct

from phantom_arbiter.core.events import Envelope, StakePoolRead
from phantom_arbiter.core.units import BPS, HOURS_PER_YEAR, NS_PER_HOUR, Rounding, mul_div
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, TokenState
from phantom_arbiter.engines.spot_quote import transaction_fees

PPM = 1_000_000


class FairValue(Struct, frozen=True, gc=False):
    """Lamports per atom. ``rate``: the pool's; ``hold``: the better of the two redemptions; ``break_even_bps``: the
    discount at which a purchase redeemed at the epoch's end earns the hurdle. ``why_not`` names why it is no basis
    for a purchase; empty when it is."""

    rate: float
    instant: float
    delayed: float
    break_even_bps: float
    why_not: str

    @property
    def hold(self) -> float:
        """What a token is worth to one who keeps it: the better of the two redemptions."""
        return max(self.instant, self.delayed)


def redeemed_lamports(pool: StakePoolRead, atoms: int, fee_ppm: int) -> int:
    """floor((q − ceil(q·fee))·total/supply), as the stake pool program does."""
    fee = mul_div(atoms, fee_ppm, PPM, Rounding.UP)
    return mul_div(atoms - fee, pool.total_lamports, pool.supply_atoms, Rounding.DOWN)


def learn_growth(state: TokenState, pool: StakePoolRead) -> None:
    """Remember the rate of a newer epoch, and by how much a mean epoch grew it. Never below zero."""
    if pool.updated_epoch <= state.epoch:
        return
    if state.epoch >= 0:
        epochs = pool.updated_epoch - state.epoch
        before = state.total_lamports / state.supply_atoms
        state.growth = max(0.0, (pool.total_lamports / pool.supply_atoms / before - 1.0) / epochs)
    state.epoch, state.total_lamports, state.supply_atoms = pool.updated_epoch, pool.total_lamports, pool.supply_atoms


def staleness(envelope: Envelope, pool: StakePoolRead, now_ns: int, config: LstConfig) -> str:
    """Why a reading is no basis for a purchase; empty when it is one."""
    if pool.paused:
        return f"the stake pool of {pool.token} is paused"
    if pool.updated_epoch < pool.epoch:
        return f"the rate of {pool.token} is of epoch {pool.updated_epoch}, now is {pool.epoch}"
    if now_ns >= pool.epoch_ends_ts_ns:
        return f"the epoch of {pool.token}'s reading has ended"
    age_ns = now_ns - envelope.ts_ns
    if age_ns > config.max_reading_age_ns:
        return f"the stake pool of {pool.token} was read {age_ns // NS_PER_HOUR} h ago"
    return ""


def fair_value(view: MarketView, config: LstConfig, envelope: Envelope, state: TokenState, atoms: int) -> FairValue:
    """Worth of one of ``atoms`` tokens now.

    V_D = R·(1 − f_w)·(1 + r_e)·e^(−kτ) − F/q, and V_B = R·(1 − f_sol) − F/q where the reserve covers it; F is the
    transactions' fees at today's bids, and the epoch's reward r_e counts only once it was seen. d* = 1 − V_D/R.
    """
    pool = envelope.body
    assert isinstance(pool, StakePoolRead)
    now_ns, rate = view.now_ns, pool.total_lamports / pool.supply_atoms
    fixed = config.redeem_transactions * sum(transaction_fees(view, config.compute_units))
    wait_ns = max(0, pool.epoch_ends_ts_ns - now_ns) + config.claim_lag_ns
    waiting = math.exp(-config.hurdle_apr * wait_ns / NS_PER_HOUR / HOURS_PER_YEAR)
    out = redeemed_lamports(pool, atoms, pool.withdraw_fee_ppm)
    delayed = (out * (1.0 + state.growth) * waiting - fixed) / atoms
    at_once = redeemed_lamports(pool, atoms, pool.instant_fee_ppm)
    covered = not pool.paused and at_once <= pool.reserve_lamports
    instant = (at_once - fixed) / atoms if covered else 0.0
    return FairValue(
        rate=rate,
        instant=instant,
        delayed=delayed,
        break_even_bps=(1.0 - delayed / rate) * BPS,
        why_not=staleness(envelope, pool, now_ns, config),
    )
