"""What an engine asks for: an `Intent` of legs, with the edge it expects and what it reckons to pay."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Side(StrEnum):
    """Direction of a perp order."""

    BUY = "buy"
    SELL = "sell"


class Policy(StrEnum):
    """ATOMIC: all legs in one transaction, all or none. SEQUENTIAL: each leg waits for the one before it."""

    ATOMIC = "atomic"
    SEQUENTIAL = "sequential"


class Purpose(StrEnum):
    """Entries must earn their costs; the rest reduce risk and pass halts that stop entries."""

    ENTRY = "entry"
    EXIT = "exit"
    REBALANCE = "rebalance"


class Swap(Struct, frozen=True, tag="swap", gc=False):
    """Swap an exact input. ``pool`` is the pool to use; empty: at the instrument's quote, where no pool is known.

    ``expected_out_atoms`` is what the decision's state quoted; ``min_out_atoms`` reverts anything worse.
    ``from_position``: the input comes out of what the engine holds as a position (and the output becomes free
    capital); otherwise it is free capital that turns into a position. The legs of an exit always are.
    """

    instrument: str
    pool: str
    in_asset: str
    out_asset: str
    in_atoms: int
    expected_out_atoms: int
    min_out_atoms: int
    from_position: bool = False
    hedges: int = -1


class PerpOrder(Struct, frozen=True, tag="perp", gc=False):
    """A marketable perp order of ``base_atoms`` (unsigned); no fill beyond ``limit_px``. ``hedges``: see `Intent`."""

    instrument: str
    venue: str
    side: Side
    base_atoms: int
    expected_px: int
    limit_px: int
    reduce_only: bool = False
    hedges: int = -1


class CollateralTransfer(Struct, frozen=True, tag="transfer", gc=False):
    """Move collateral between the wallet and a perp venue: positive ``atoms`` deposit, negative withdraw."""

    venue: str
    asset: str
    atoms: int


Leg = Swap | PerpOrder | CollateralTransfer


def size_atoms(leg: Leg) -> int:
    """How large a leg is: input atoms of a swap or transfer, base atoms of a perp order; unsigned."""
    match leg:
        case PerpOrder():
            return leg.base_atoms
        case Swap():
            return leg.in_atoms
        case CollateralTransfer():
            return abs(leg.atoms)


def hedged_leg(leg: Leg) -> int:
    """The index of the leg that ``leg`` hedges; -1: none."""
    return -1 if isinstance(leg, CollateralTransfer) else leg.hedges


class Cost(Struct, frozen=True, gc=False):
    """What the engine reckons the whole round trip to cost, in millionths of a dollar, none negative."""

    pool_fee_micros: int = 0
    perp_fee_micros: int = 0
    base_fee_micros: int = 0
    priority_micros: int = 0
    tip_micros: int = 0
    rent_micros: int = 0
    slippage_micros: int = 0
    borrow_micros: int = 0

    @property
    def total_micros(self) -> int:
        """The sum of all parts."""
        return (
            self.pool_fee_micros
            + self.perp_fee_micros
            + self.base_fee_micros
            + self.priority_micros
            + self.tip_micros
            + self.rent_micros
            + self.slippage_micros
            + self.borrow_micros
        )


class Intent(Struct, frozen=True):
    """An engine's wish. ``edge_bps`` is the gross edge it expects on ``notional_micros``, before ``cost``.

    ``priority_lamports`` and ``tip_lamports`` are bids for each transaction. ``expires_ns`` is the instant after
    which it must not be sent. ``position_id`` ties entry and exit; ``command_id`` names the command that asked.

    A leg with ``hedges`` (the index of an earlier swap or perp leg; SEQUENTIAL only) is sent once that leg has ended
    with anything filled, and as large as its fill asks for (`core.leg_size`). Raises `ValueError` for another index.
    """

    engine: str
    pod: str
    purpose: Purpose
    policy: Policy
    legs: tuple[Leg, ...]
    notional_micros: int
    edge_bps: float
    cost: Cost
    expires_ns: int
    reason: str
    position_id: str = ""
    priority_lamports: int = 0
    tip_lamports: int = 0
    p_fail_bps: int = 0
    command_id: str = ""

    def __post_init__(self) -> None:
        for index, leg in enumerate(self.legs):
            hedged = hedged_leg(leg)
            if hedged == -1:
                continue
            sound = self.policy is Policy.SEQUENTIAL and 0 <= hedged < index
            if not sound or isinstance(self.legs[hedged], CollateralTransfer):
                raise ValueError(
                    f"legs[{index}].hedges: got {hedged}, expected -1 or an earlier swap or perp leg, one by one"
                )
