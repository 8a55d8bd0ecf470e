"""Orders by hand: what an act would do, told before it is done, and bound to what was told.

PREVIEW asks an engine for a `Draft`: the intent it would put before the gates, and the account before and after. The
engine keeps the draft's limits under its ``hash``; TAKE_POSITION and LEAVE_POSITION name that hash, and are refused
where the market has moved beyond those limits since. Nothing is traded on terms that nobody saw.
"""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, HandAct, LeavePosition, TakePosition
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.verdicts import GateResult

HandCommand = TakePosition | LeavePosition | DriftDeposit | DriftWithdraw


class AccountFigures(Struct, frozen=True):
    """An account at one moment. Base atoms signed (a short is negative), collateral and free collateral in quote atoms.

    ``delta_atoms`` is spot plus perp, an LST leg at its redemption rate. None: nothing to tell (no account, no price).
    """

    spot_atoms: int
    perp_atoms: int
    delta_atoms: int
    collateral_atoms: int
    free_collateral_atoms: int | None
    health: float | None
    liquidation_px: int | None
    leverage: float | None


class Draft(Struct, frozen=True):
    """What an act would do. Nothing has happened yet.

    Sizes in base atoms of the market (a transfer: quote atoms). ``break_even_days`` and ``net_apr`` only for a take.
    ``hash`` binds the act to these limits until ``expires_ns`` of market time.
    """

    act: HandAct
    market: str
    size_atoms: int
    min_atoms: int
    max_atoms: int
    step_atoms: int
    intent: Intent
    before: AccountFigures
    after: AccountFigures
    words: str
    hash: str
    expires_ns: int
    break_even_days: float | None = None
    net_apr: float | None = None


class Rejection(Struct, frozen=True):
    """Why an act by hand cannot even be drafted: ``code`` for programs, ``message`` with field, value, expectation."""

    code: str
    message: str


class Previewed(Struct, frozen=True):
    """A draft with the gates' answers, in their order; ``refused`` is the first that says no."""

    draft: Draft
    gates: tuple[GateResult, ...]
    refused: GateResult | None
