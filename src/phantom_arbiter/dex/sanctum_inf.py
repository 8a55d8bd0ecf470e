"""Sanctum INF as pairs: an LST (or wrapped SOL) in the pool's reserves swaps for another at their redemption values.

``out = value_out⁻¹(floor(value_in(amount) · (10⁹ − fee_in − fee_out) / 10⁹))``; an LST of an SPL stake pool is worth
what withdrawing its stake would give, ``floor((tokens − ceil(tokens · fee)) · total / supply)``, and the inverse takes
the least of its range. Source: igneous-labs/inf-1.5 ``controller/program``, ``core/src/quote/swap/exact_in.rs``,
``sol-val-calc/spl``, ``pricing/flatslab``, ``legacy/sanctum-token-ratio-compat``.

verified: formula (the accounts are real; no program answered). Refused: adding and removing liquidity (INF's own value
moves with a yield released per slot), pool states of version 1, other pricing programs, LSTs of Marinade and Lido,
disabled pools and inputs, a pool in rebalance, a rate older than the epoch.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.account_bytes import AccountReader
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool_accounts import StakePoolAccount

INF_PROGRAM: Final = "5ocnV1qiCgaQR8Jb8xWnVbApfaygJ8tNoZfgPwsgx9kx"
LST_LIST_ADDRESS: Final = "Gb7m4daakbVbrFLR33FKMDVMHAprRZ66CSYt4bpFwUgS"
FLAT_SLAB_ADDRESS: Final = "4T9YzXnmQFMyYi2nrxyXjhtUANavmCkxGCsU3GKaNjwT"
FLAT_SLAB_PROGRAM: Final = "s1b6NRXj6ygNu1QMKXh2H9LUR2aPApAAm1UQ2DjdhNV"
WRAPPED_SOL_MINT: Final = "So11111111111111111111111111111111111111112"
WRAPPED_SOL_CALCULATOR: Final = "wsoGmxQLSvwWpuaidCApxN5kEowLe2HLQLJhCQnj4bE"
SPL_CALCULATORS: Final = frozenset(
    {
        "sp1V4h2gWorkGhVcazBc22Hfo2f5sd7jcjT4EDPrWFF",
        "sspUE1vrh7xRoXxGsg7vR1zde2WdGtJRbyK9uRumBDy",
        "ssmbu3KZxgonUtjEMCKspZzxvUQCxAFnyh1rcHUeEDo",
    }
)
"""For the official deployment, Sanctum's and Sanctum's multi."""
NANOS: Final = 1_000_000_000
_MIN_FEE_NANOS: Final = -50_000_000
_POOL_STATE_BYTES: Final = 240
_LST_STATE_BYTES: Final = 80
_SLAB_ADMIN_BYTES, _SLAB_ENTRY_BYTES = 32, 40
_LST_LIMIT: Final = 2_048
_VERSION: Final = 2


class InfPoolState(Struct, frozen=True, gc=False):
    """The pool, version 2. ``owed_lamports`` are in its total but not INF's: yield withheld and protocol fees."""

    total_sol_value_lamports: int
    protocol_fee_nanos: int
    pricing_program: str
    lp_token_mint: str
    withheld_lamports: int
    protocol_fee_lamports: int
    last_release_slot: int

    @property
    def owed_lamports(self) -> int:
        """Not the holders' of INF (before what the slots since ``last_release_slot`` release)."""
        return self.withheld_lamports + self.protocol_fee_lamports


class LstState(Struct, frozen=True, gc=False):
    """One LST of the pool; ``sol_value_lamports`` is the value of its reserves at the last sync."""

    input_disabled: bool
    sol_value_lamports: int
    mint: str
    sol_value_calculator: str


class SlabFee(Struct, frozen=True, gc=False):
    """An LST's fee as input and as output, in 1e-9 (negative: a rebate)."""

    mint: str
    in_nanos: int
    out_nanos: int


class InfLst(Struct, frozen=True, gc=False):
    """An LST with its fee, the pool's reserves of it and its stake pool (None for wrapped SOL)."""

    state: LstState
    fee: SlabFee
    reserves_atoms: int
    stake_pool: StakePoolAccount | None = None

    def __post_init__(self) -> None:
        if self.fee.mint != self.state.mint:
            raise ValueError(f"fee is of mint {self.fee.mint}, expected {self.state.mint}")
        if self.stake_pool is not None and self.stake_pool.pool_mint != self.state.mint:
            raise ValueError(f"stake pool is of mint {self.stake_pool.pool_mint}, expected {self.state.mint}")


class InfPair(Struct, frozen=True, gc=False):
    """Two LSTs of the pool: tokens 0 and 1."""

    lst_0: InfLst
    lst_1: InfLst


def decode_inf_pool_state(data: bytes, owner: str) -> InfPoolState:
    """The ``PoolState`` account; raises AccountError for another owner, length or version, or while disabled,
    rebalancing or priced by another program."""
    reader = AccountReader("INF pool state", data, owner, frozenset({INF_PROGRAM}), frozenset({_POOL_STATE_BYTES}))
    total, fee = reader.unsigned("total_sol_value"), reader.unsigned("protocol_fee_nanos", 4)
    if fee > NANOS:
        raise reader.misfit("protocol_fee_nanos", fee, f"0 to {NANOS}")
    for field, expected in (("version", _VERSION), ("is_disabled", 0), ("is_rebalancing", 0)):
        reader.expect(field, 1, expected)
    reader.raw("padding and authorities", 97)
    pricing = reader.address("pricing_program")
    if pricing != FLAT_SLAB_PROGRAM:
        raise reader.misfit("pricing_program", pricing, f"flat slab {FLAT_SLAB_PROGRAM}")
    mint = reader.address("lp_token_mint")
    reader.raw("rps_authority and rps", 40)
    withheld, fees = reader.unsigned("withheld_lamports"), reader.unsigned("protocol_fee_lamports")
    if withheld + fees > total:
        raise reader.misfit("withheld_lamports", withheld, f"with {fees} of fees at most the total of {total}")
    return InfPoolState(total, fee, pricing, mint, withheld, fees, reader.unsigned("last_release_slot"))


def decode_lst_states(data: bytes, owner: str) -> tuple[LstState, ...]:
    """The ``LstStateList`` account; raises AccountError."""
    lengths = frozenset(range(0, _LST_LIMIT * _LST_STATE_BYTES + 1, _LST_STATE_BYTES)) & {len(data)}
    reader = AccountReader(
        "INF LST list", data, owner, frozenset({INF_PROGRAM}), lengths or frozenset({_LST_STATE_BYTES})
    )
    states = []
    for _ in range(len(data) // _LST_STATE_BYTES):
        disabled = reader.flag("is_input_disabled")
        reader.raw("bumps and padding", 7)
        value = reader.unsigned("sol_value")
        states.append(LstState(disabled, value, reader.address("mint"), reader.address("sol_value_calculator")))
    return tuple(states)


def decode_slab_fees(data: bytes, owner: str) -> tuple[SlabFee, ...]:
    """The flat slab's fees, one per LST and one for INF; raises AccountError."""
    whole = len(data) > _SLAB_ADMIN_BYTES and (len(data) - _SLAB_ADMIN_BYTES) % _SLAB_ENTRY_BYTES == 0
    lengths = frozenset({len(data) if whole and len(data) < _LST_LIMIT * _SLAB_ENTRY_BYTES else _SLAB_ADMIN_BYTES})
    reader = AccountReader("flat slab", data, owner, frozenset({FLAT_SLAB_PROGRAM}), lengths)
    reader.raw("admin", _SLAB_ADMIN_BYTES)
    fees = []
    for _ in range((len(data) - _SLAB_ADMIN_BYTES) // _SLAB_ENTRY_BYTES):
        mint = reader.address("mint")
        fees.append(SlabFee(mint, _fee_nanos(reader, "inp_fee_nanos"), _fee_nanos(reader, "out_fee_nanos")))
    return tuple(fees)


def quote(pair: InfPair, amount_in_atoms: int, zero_for_one: bool, epoch: int) -> SwapQuote | SwapRefusal:
    """What SwapExactIn of the whole amount pays; the fee is the input's part that its value pays, rounded up."""
    source, target = (pair.lst_0, pair.lst_1) if zero_for_one else (pair.lst_1, pair.lst_0)
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1")
    reason = _obstacle(source, target, epoch)
    if reason is not None:
        return SwapRefusal(reason)
    kept_nanos = NANOS - source.fee.in_nanos - target.fee.out_nanos
    value = _sol_value(source, amount_in_atoms)
    out = _atoms_of_value(target, value * kept_nanos // NANOS)
    if not value or not out:
        return SwapRefusal("the swap pays nothing")
    if out > target.reserves_atoms:
        return SwapRefusal(f"the pool holds {target.reserves_atoms} atoms, this needs {out}")
    if source.reserves_atoms + amount_in_atoms > MAX_U64:
        return SwapRefusal("the reserves would exceed u64")
    return SwapQuote(amount_in_atoms, out, -(-amount_in_atoms * (NANOS - kept_nanos) // NANOS))


def apply(pair: InfPair, swap: SwapQuote, zero_for_one: bool) -> InfPair:
    """The pair after the swap; raises ValueError for a quote that does not fit it (made for another state)."""
    source, target = (pair.lst_0, pair.lst_1) if zero_for_one else (pair.lst_1, pair.lst_0)
    if swap.amount_out_atoms > target.reserves_atoms:
        raise ValueError(f"swap of {swap.amount_in_atoms} atoms does not fit the pair: it was quoted for another state")
    source = structs.replace(source, reserves_atoms=source.reserves_atoms + swap.amount_in_atoms)
    target = structs.replace(target, reserves_atoms=target.reserves_atoms - swap.amount_out_atoms)
    return InfPair(source, target) if zero_for_one else InfPair(target, source)


def segments(pair: InfPair, zero_for_one: bool, epoch: int) -> tuple[Segment, ...]:
    """One segment at constant price up to the reserves; none where every amount is refused."""
    source, target = (pair.lst_0, pair.lst_1) if zero_for_one else (pair.lst_1, pair.lst_0)
    kept = (NANOS - source.fee.in_nanos - target.fee.out_nanos) / NANOS
    if _obstacle(source, target, epoch) is not None or kept <= 0.0 or not target.reserves_atoms:
        return ()
    price = _rate(source) * kept / _rate(target)
    return (Segment(target.reserves_atoms / price, price, 1.0, 0.0),)


def _obstacle(source: InfLst, target: InfLst, epoch: int) -> str | None:
    if source.state.mint == target.state.mint:
        return "input and output are the same LST"
    if source.state.input_disabled:
        return f"input of {source.state.mint} is disabled"
    fee = source.fee.in_nanos + target.fee.out_nanos
    if not 0 <= fee <= NANOS:
        return f"the fee is {fee} nanos, the program takes 0 to {NANOS}"
    for lst in (source, target):
        pool = lst.stake_pool
        if pool is None:
            if (lst.state.mint, lst.state.sol_value_calculator) != (WRAPPED_SOL_MINT, WRAPPED_SOL_CALCULATOR):
                return f"no stake pool given for {lst.state.mint}"
        elif lst.state.sol_value_calculator not in SPL_CALCULATORS:
            return f"the calculator of {lst.state.mint} is not an SPL stake pool's: not verified"
        elif pool.last_update_epoch < epoch:
            return f"the rate of {lst.state.mint} is of epoch {pool.last_update_epoch}, not updated in epoch {epoch}"
        elif not pool.total_lamports or not pool.pool_token_supply_atoms or pool.stake_withdrawal_fee.fraction >= 1.0:
            return f"the stake pool of {lst.state.mint} is empty"
    return None


def _sol_value(lst: InfLst, atoms: int) -> int:
    pool = lst.stake_pool
    if pool is None:
        return atoms
    return (atoms - pool.stake_withdrawal_fee.of(atoms)) * pool.total_lamports // pool.pool_token_supply_atoms


def _atoms_of_value(lst: InfLst, lamports: int) -> int:
    """The least of the range of tokens worth ``lamports``, as the program's calculators invert themselves."""
    pool = lst.stake_pool
    if pool is None:
        return lamports
    burnt = lamports * pool.pool_token_supply_atoms // pool.total_lamports
    fee = pool.stake_withdrawal_fee
    if not fee.denominator or not fee.numerator:
        return burnt
    return burnt * fee.denominator // (fee.denominator - fee.numerator)


def _rate(lst: InfLst) -> float:
    pool = lst.stake_pool
    if pool is None:
        return 1.0
    return pool.total_lamports / pool.pool_token_supply_atoms * (1.0 - pool.stake_withdrawal_fee.fraction)


def _fee_nanos(reader: AccountReader, field: str) -> int:
    nanos = reader.signed(field, 4)
    if not _MIN_FEE_NANOS <= nanos <= NANOS:
        raise reader.misfit(field, nanos, f"{_MIN_FEE_NANOS} to {NANOS}")
    return nanos
