"""Meteora DLMM pools in exact integers: bins of one price each, a base and a variable fee on the input.

A bin pays all of its output token at its own price p (Y atoms per X atom in Q64.64). The input is charged per bin:

    volatility = min(reference + |index reference − bin| · 10⁴, its maximum)
    rate       = min(base factor · step · 10 · 10^power + ceil(control · (volatility · step)² / 10¹¹), 10⁸)
    net        = left − ceil(left · rate / 10⁹)
    bin's full price  = ceil(reserve · 2⁶⁴ / p) for X → Y, ceil(reserve · p / 2⁶⁴) for Y → X
    net below it: out = floor(net · p / 2⁶⁴) for X → Y, floor(net · 2⁶⁴ / p) for Y → X, and the swap ends here
    else the bin is drained for its full price + ceil(full price · rate / (10⁹ − rate)), and the next bin follows

verified: program — every vector of a real pool, and random bins, fees and clocks on that pair of type 0 (fees on the
input): output, input and the pair and bins that `apply` leaves; sdk — random pairs and clocks against PyPI
`meteora-dlmm` 0.5.0 and npm `@meteora-ag/dlmm` 1.9.14. formula only: the fee's part of the answer, and activation.
Refused: bins of arrays whose old layout hides limit orders, fees collected in Y, Token-2022 mints (their transfer fee
is outside of the pool), bins outside of the pair's own bitmap, an output of 0, more than ``MAX_BINS`` bins. Time is
an argument: an SDK that reads the machine's clock answers differently from the program.

Token X is token 0 (``zero_for_one`` is X → Y). All amounts are atoms and fit in a u64, as on chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

BINS_PER_ARRAY: Final = 70
BITMAP_ARRAYS: Final = 512
"""The pair's own bitmap covers array indices −512 to 511."""

FEE_PRECISION: Final = 1_000_000_000
MAX_FEE_RATE: Final = 100_000_000
VARIABLE_FEE_DIVISOR: Final = 100_000_000_000
MAX_U32: Final = 2**32 - 1
MAX_BINS: Final = 256
"""Bins a quote or a list of segments may use: a bin costs the program about 5,200 compute units of 1.4 million."""

INPUT_ONLY: Final = 0
"""The collect fee mode that was measured: fees on the input."""


class Bin(Struct, frozen=True, gc=False):
    """One price. ``price_x64``: Y atoms per X atom in Q64.64, 0 in a bin that was never used.

    ``asks`` and ``bids`` are limit orders that sell X and Y (atoms, processed before open, none of them 0); they are
    filled after the bin's own liquidity. ``counters``: old counters stand in their place, what they hold is unknown.
    """

    amount_x_atoms: int
    amount_y_atoms: int
    price_x64: int
    asks: tuple[int, ...] = ()
    bids: tuple[int, ...] = ()
    counters: bool = False


class BinArray(Struct, frozen=True, gc=False):
    """Bins ``70·index`` to ``70·index + 69`` of a pair."""

    index: int
    bins: tuple[Bin, ...]


class FeeParameters(Struct, frozen=True, gc=False):
    """What the pair's fee is computed from; ``reduction_bps`` is the share of volatility kept by a decay."""

    bin_step_bps: int
    base_factor: int
    base_fee_power: int
    variable_fee_control: int
    max_volatility: int
    filter_period_s: int
    decay_period_s: int
    reduction_bps: int
    collect_fee_mode: int = INPUT_ONLY

    def rate_e9(self, volatility: int) -> int:
        """The fee's rate in 1e-9 of the input at a volatility accumulator."""
        base: int = self.base_factor * self.bin_step_bps * 10 ** (1 + self.base_fee_power)
        square = (volatility * self.bin_step_bps) ** 2
        variable = -(-self.variable_fee_control * square // VARIABLE_FEE_DIVISOR)  # ceiling, as the program
        return min(base + variable, MAX_FEE_RATE)


class Volatility(Struct, frozen=True, gc=False):
    """What recent swaps left behind: the accumulator (10⁴ per bin), where it starts from, and when."""

    accumulator: int
    reference: int
    index_reference: int
    last_update_s: int


class Activation(Struct, frozen=True, gc=False):
    """Swaps begin at ``point``: a unix time, else a slot."""

    point: int
    by_time: bool


class DlmmPool(Struct, frozen=True, gc=False):
    """A pair and those of its bin arrays that are known.

    ``bitmap`` has bit ``index + 512`` set for every array with liquidity, known or not; the program jumps over others.
    ``activation`` is None for a pair that always trades. Keys are the 32 bytes.
    """

    address: bytes
    token_x_mint: bytes
    token_y_mint: bytes
    token_2022: bool
    fees: FeeParameters
    volatility: Volatility
    active_id: int
    bitmap: int
    activation: Activation | None
    arrays: Mapping[int, BinArray]


class _Fill(Struct, frozen=True, gc=False):
    """What one bin did: its input net of the fee, its fee and its output; limit orders' part of input and output."""

    bin_id: int
    net_atoms: int
    fee_atoms: int
    out_atoms: int
    orders_net_atoms: int
    orders_out_atoms: int


_BEYOND_U64: Final = SwapRefusal("a bin's price overflows u64")


def with_arrays(pool: DlmmPool, arrays: Iterable[BinArray]) -> DlmmPool:
    """The pool with these arrays added, or put in the place of those with their index."""
    return replace(pool, arrays={**pool.arrays, **{array.index: array for array in arrays}})


def updated_references(pool: DlmmPool, unix_time_s: int) -> Volatility | SwapRefusal:
    """Volatility as a swap at that time begins with: kept within the filter period, decayed, then forgotten."""
    fees, now = pool.fees, pool.volatility
    elapsed_s = unix_time_s - now.last_update_s
    if elapsed_s < fees.filter_period_s:
        return now
    kept = now.accumulator * fees.reduction_bps if elapsed_s < fees.decay_period_s else 0
    if kept > MAX_U32:
        return SwapRefusal("volatility overflows u32")
    return Volatility(now.accumulator, kept // BPS, pool.active_id, now.last_update_s)


def _accumulator(pool: DlmmPool, volatility: Volatility, bin_id: int) -> int:
    crossed = volatility.reference + abs(volatility.index_reference - bin_id) * BPS
    return min(crossed, pool.fees.max_volatility)


def _price_of(price_x64: int, atoms: int, zero_for_one: bool) -> int:
    """The input that takes all of that output, rounded up, fee apart."""
    return -(-(atoms << 64) // price_x64) if zero_for_one else -(-atoms * price_x64 >> 64)


def _output_of(price_x64: int, net_atoms: int, zero_for_one: bool) -> int:
    """What that input buys, rounded down as the program does."""
    return net_atoms * price_x64 >> 64 if zero_for_one else (net_atoms << 64) // price_x64


def _layers(bin_: Bin, zero_for_one: bool) -> tuple[int, ...]:
    """What the bin can pay, in the order of the program: its own liquidity (perhaps 0), then limit orders."""
    return (bin_.amount_y_atoms, *bin_.bids) if zero_for_one else (bin_.amount_x_atoms, *bin_.asks)


def _next_array(pool: DlmmPool, bin_id: int, zero_for_one: bool) -> BinArray | SwapRefusal:
    """The array that the program reads next: the nearest with liquidity, the bin's own included."""
    offset = bin_id // BINS_PER_ARRAY + BITMAP_ARRAYS
    if not 0 <= offset < 2 * BITMAP_ARRAYS:
        return SwapRefusal("bins outside of the pair's own bitmap are not modelled")
    ahead = pool.bitmap & ((2 << offset) - 1) if zero_for_one else pool.bitmap >> offset << offset
    if ahead == 0:
        return SwapRefusal("the pool has no liquidity left in that direction")
    found = (ahead if zero_for_one else ahead & -ahead).bit_length() - 1 - BITMAP_ARRAYS
    array = pool.arrays.get(found)
    return SwapRefusal(f"bin array {found} is not known") if array is None else array


def _stretch(array: BinArray, bin_id: int, zero_for_one: bool) -> range:
    """The bins of the array that lie ahead, by their place in it."""
    place = bin_id - array.index * BINS_PER_ARRAY
    if zero_for_one:
        return range(min(place, BINS_PER_ARRAY - 1), -1, -1)
    return range(max(place, 0), BINS_PER_ARRAY)


def _obstacle(pool: DlmmPool, amount_in_atoms: int, unix_time_s: int, slot: int) -> str | None:
    if not 0 < amount_in_atoms <= MAX_U64:
        return f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1"
    if pool.fees.collect_fee_mode != INPUT_ONLY:
        return "fees collected in Y are not modelled"
    if pool.token_2022:
        return "a Token-2022 mint may take a transfer fee, which is not modelled"
    start = pool.activation
    if start is not None and (unix_time_s if start.by_time else slot) < start.point:
        return "the pair is not active yet"
    return None


def _fill(bin_: Bin, bin_id: int, left: int, rate: int, zero_for_one: bool) -> _Fill | SwapRefusal:
    """What the bin does with what is left of the input; all of it goes where the bin is not drained."""
    fee = -(-left * rate // FEE_PRECISION)  # ceiling, as the program
    net, price = left - fee, bin_.price_x64
    if zero_for_one:
        atoms, orders = bin_.amount_y_atoms, bin_.bids
    else:
        atoms, orders = bin_.amount_x_atoms, bin_.asks
    full = _price_of(price, atoms, zero_for_one)
    if full > MAX_U64:
        return _BEYOND_U64
    if net < full:
        return _Fill(bin_id, net, fee, _output_of(price, net, zero_for_one), 0, 0)
    if net == full:
        return _Fill(bin_id, net, fee, atoms, 0, 0)
    paid, out = full, atoms
    for order in orders:
        full_order = _price_of(price, order, zero_for_one)
        if full_order > MAX_U64:
            return _BEYOND_U64
        if net - paid >= full_order:
            paid, out = paid + full_order, out + order
        else:
            paid, out = net, out + _output_of(price, net - paid, zero_for_one)
        if paid == net:
            return _Fill(bin_id, net, fee, out, paid - full, out - atoms)
    drained = -(-paid * rate // (FEE_PRECISION - rate))
    return _Fill(bin_id, paid, drained, out, paid - full, out - atoms)


def _walk(pool: DlmmPool, amount: int, zero_for_one: bool, volatility: Volatility) -> list[_Fill] | SwapRefusal:
    """Every bin that the swap uses, in order."""
    fills: list[_Fill] = []
    bin_id, left = pool.active_id, amount
    rate, rated = 0, -1
    while True:
        array = _next_array(pool, bin_id, zero_for_one)
        if isinstance(array, SwapRefusal):
            return array
        first, bins = array.index * BINS_PER_ARRAY, array.bins
        for place in _stretch(array, bin_id, zero_for_one):
            bin_ = bins[place]
            if not ((bin_.amount_y_atoms or bin_.bids) if zero_for_one else (bin_.amount_x_atoms or bin_.asks)):
                continue
            if bin_.counters:
                return SwapRefusal(f"bin {first + place} may hold limit orders, which its old layout does not tell")
            accumulator = _accumulator(pool, volatility, first + place)
            if accumulator != rated:  # at its maximum it is that of the bin before
                rate, rated = pool.fees.rate_e9(accumulator), accumulator
            filled = _fill(bin_, first + place, left, rate, zero_for_one)
            if isinstance(filled, SwapRefusal):
                return filled
            fills.append(filled)
            left -= filled.net_atoms + filled.fee_atoms
            if not left:
                return fills
            if len(fills) == MAX_BINS:
                return SwapRefusal(f"the swap needs more than {MAX_BINS} bins")
        bin_id = first - 1 if zero_for_one else first + BINS_PER_ARRAY


def _swap(
    pool: DlmmPool, amount: int, zero_for_one: bool, unix_time_s: int, slot: int
) -> tuple[SwapQuote, list[_Fill], Volatility] | SwapRefusal:
    obstacle = _obstacle(pool, amount, unix_time_s, slot)
    if obstacle is not None:
        return SwapRefusal(obstacle)
    volatility = updated_references(pool, unix_time_s)
    if isinstance(volatility, SwapRefusal):
        return volatility
    fills = _walk(pool, amount, zero_for_one, volatility)
    if isinstance(fills, SwapRefusal):
        return fills
    out = sum([fill.out_atoms for fill in fills])
    if not 0 < out <= MAX_U64:
        return SwapRefusal("output is zero" if out == 0 else "output exceeds u64")
    crossed = abs(fills[-1].bin_id - pool.active_id)
    return SwapQuote(amount, out, sum([fill.fee_atoms for fill in fills]), 0, crossed), fills, volatility


def quote(
    pool: DlmmPool, amount_in_atoms: int, zero_for_one: bool, unix_time_s: int, slot: int
) -> SwapQuote | SwapRefusal:
    """The exact answer of the program's `swap` (exact input, no host fee) at that unix time and slot."""
    answer = _swap(pool, amount_in_atoms, zero_for_one, unix_time_s, slot)
    return answer if isinstance(answer, SwapRefusal) else answer[0]


def _filled(bin_: Bin, fill: _Fill, zero_for_one: bool) -> Bin:
    """The bin after it: fees and what limit orders earned go to counters of their own, not into the bin."""
    gain, loss = fill.net_atoms - fill.orders_net_atoms, fill.out_atoms - fill.orders_out_atoms
    orders, taken = bin_.bids if zero_for_one else bin_.asks, fill.orders_out_atoms
    rest: list[int] = []
    for atoms in orders:
        used = min(atoms, taken)
        taken -= used
        rest += [atoms - used] if atoms > used else []
    x, y = bin_.amount_x_atoms, bin_.amount_y_atoms
    if zero_for_one:
        return replace(bin_, amount_x_atoms=x + gain, amount_y_atoms=y - loss, bids=tuple(rest))
    return replace(bin_, amount_x_atoms=x - loss, amount_y_atoms=y + gain, asks=tuple(rest))


def apply(pool: DlmmPool, swap: SwapQuote, zero_for_one: bool, unix_time_s: int, slot: int) -> DlmmPool:
    """The pool after the swap: its bins, the active bin and the volatility.

    Raises ValueError if the quote was not made for this state, direction and time, or a bin would exceed a u64.
    """
    answer = _swap(pool, swap.amount_in_atoms, zero_for_one, unix_time_s, slot)
    if isinstance(answer, SwapRefusal) or answer[0] != swap:
        raise ValueError(f"swap is {swap}, expected this state's own answer, {answer}")
    _, fills, volatility = answer
    changed: dict[int, list[Bin]] = {}
    for fill in fills:
        index, place = divmod(fill.bin_id, BINS_PER_ARRAY)
        bins = changed.setdefault(index, list(pool.arrays[index].bins))
        bins[place] = _filled(bins[place], fill, zero_for_one)
        if max(bins[place].amount_x_atoms, bins[place].amount_y_atoms) > MAX_U64:
            raise ValueError(f"bin {fill.bin_id} is {bins[place]}, expected amounts of at most 2^64 - 1")
    last = fills[-1].bin_id
    moved_s = unix_time_s if last != pool.active_id else volatility.last_update_s  # a bin that stays keeps its time
    after = replace(volatility, accumulator=_accumulator(pool, volatility, last), last_update_s=moved_s)
    moved = replace(pool, active_id=last, volatility=after)
    return with_arrays(moved, [BinArray(index, tuple(bins)) for index, bins in changed.items()])


def segments(
    pool: DlmmPool, zero_for_one: bool, unix_time_s: int, slot: int, most: int | None = None
) -> tuple[Segment, ...]:
    """One constant price per bin in the order of the swap, fees in the numbers; the first ``most`` (None: all).

    They end where `quote` would begin to refuse, after ``MAX_BINS`` at the latest; none where it refuses every amount.
    """
    volatility = updated_references(pool, unix_time_s)
    if _obstacle(pool, 1, unix_time_s, slot) is not None or isinstance(volatility, SwapRefusal):
        return ()
    found: list[Segment] = []
    most = MAX_BINS if most is None else min(most, MAX_BINS)
    bin_id, kept, last = pool.active_id, 1.0, -1
    while not isinstance(array := _next_array(pool, bin_id, zero_for_one), SwapRefusal):
        first = array.index * BINS_PER_ARRAY
        for place in _stretch(array, bin_id, zero_for_one):
            bin_ = array.bins[place]
            reserve = bin_.amount_y_atoms if zero_for_one else bin_.amount_x_atoms
            if bin_.bids or bin_.asks:
                reserve = sum(_layers(bin_, zero_for_one))
            if reserve and bin_.counters:
                return tuple(found)
            if reserve:
                accumulator = _accumulator(pool, volatility, first + place)
                if accumulator != last:  # it stays at its maximum further out
                    kept, last = 1 - pool.fees.rate_e9(accumulator) / FEE_PRECISION, accumulator
                price = bin_.price_x64 / 2**64 if zero_for_one else 2**64 / bin_.price_x64
                found.append(Segment(reserve / (price * kept), price * kept, 1.0, 0.0))
            if len(found) == most:
                return tuple(found)
        bin_id = first - 1 if zero_for_one else first + BINS_PER_ARRAY
    return tuple(found)
