"""The Phoenix v1 order book as a pool: token 0 is the base, token 1 the quote; a swap is an immediate-or-cancel order.

Prices are ticks: ``ticks · tick_size`` quote lots per base unit. Amounts match in *adjusted* quote lots (quote lots
times base lots per base unit), so that a fill is an integer: ``ticks · tick_size · base lots``. The taker's fee is
``ceil(matched · bps / 10⁴)`` adjusted lots, rounded up to quote lots; a buy's budget is first cut by the fee with a
64-bit fixed point. Source: Ellipsis-Labs/phoenix-v1 ``src/state/markets/fifo.rs``, ``src/program/accounts.rs`` (read,
not copied), the tree of Ellipsis-Labs/sokoban.

verified: program (the binary of 2024-09 on markets made up of our own bytes, taker side: fills, fees, expiry; no real
market's bytes). The quote is of an order without limit price or match limit by a taker who has neither an order nor
free funds on this market (self-trades and deposits are not modelled). An amount is taken in whole lots: the quote's
``amount_in_atoms`` is what is spent, at most the amount asked. Refused: an amount that the book cannot fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, structs

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex.account_bytes import AccountReader
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

PHOENIX_PROGRAM: Final = "PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY"
MARKET_DISCRIMINANT: Final = 8_167_313_896_524_341_111
ACTIVE: Final = 1
_HEADER_BYTES, _MARKET_BYTES, _TREE_BYTES = 576, 304, 32
_ORDER_BYTES, _TRADER_BYTES = 64, 144
_BOOK_SIZES: Final = (512, 1_024, 2_048, 4_096)


def market_bytes(book_size: int, seats: int) -> int:
    """The length of a market account with ``book_size`` orders a side."""
    orders, traders = _TREE_BYTES + book_size * _ORDER_BYTES, _TREE_BYTES + seats * _TRADER_BYTES
    return _HEADER_BYTES + _MARKET_BYTES + 2 * orders + traders


_SIZES: Final = {
    market_bytes(size, seats): (size, seats) for size in _BOOK_SIZES for seats in (128, 2 * size + 1, 2 * size + 129)
}
"""(orders a side, seats) of the program's twelve kinds of market, by length."""


class PhoenixOrder(Struct, frozen=True, gc=False):
    """A resting order; ``last_valid_slot`` and ``last_valid_s`` (unix seconds) are 0 where it does not expire so."""

    price_ticks: int
    base_lots: int
    last_valid_slot: int = 0
    last_valid_s: int = 0

    def expired(self, slot: int, unix_s: int) -> bool:
        """Whether the program drops it instead of matching it."""
        return 0 < self.last_valid_slot < slot or 0 < self.last_valid_s < unix_s


class PhoenixMarket(Struct, frozen=True, gc=False):
    """A market's terms and its orders, best first. Raises ValueError for terms that the program does not allow."""

    base_mint: str
    quote_mint: str
    base_lot_atoms: int
    quote_lot_atoms: int
    base_lots_per_unit: int
    tick_quote_lots_per_unit: int
    taker_fee_bps: int
    bids: tuple[PhoenixOrder, ...]
    asks: tuple[PhoenixOrder, ...]

    def __post_init__(self) -> None:
        for name in ("base_lot_atoms", "quote_lot_atoms", "base_lots_per_unit", "tick_quote_lots_per_unit"):
            if not 0 < getattr(self, name) <= MAX_U64:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 1 to 2^64 - 1")
        if self.tick_quote_lots_per_unit % self.base_lots_per_unit:
            raise ValueError(
                f"tick_quote_lots_per_unit is {self.tick_quote_lots_per_unit}, "
                f"expected a multiple of base_lots_per_unit {self.base_lots_per_unit}"
            )
        if not 0 <= self.taker_fee_bps < BPS:
            raise ValueError(f"taker_fee_bps is {self.taker_fee_bps}, expected 0 to {BPS - 1}")


class _Match(Struct, frozen=True, gc=False):
    """What an order matched and the book it leaves; ``filled``: not stopped by the book's end."""

    base_lots: int
    adjusted_quote_lots: int
    emptied: int
    left: tuple[PhoenixOrder, ...]
    filled: bool


def decode_phoenix_market(data: bytes, owner: str) -> PhoenixMarket:
    """A market account; raises AccountError for another owner, length or discriminant, a market that is not active, a
    damaged tree or unsorted book."""
    reader = AccountReader("Phoenix market", data, owner, frozenset({PHOENIX_PROGRAM}), frozenset(_SIZES))
    size, seats = _SIZES[len(data)]
    reader.expect("discriminant", 8, MARKET_DISCRIMINANT)
    reader.expect("status", 8, ACTIVE)
    for field, expected in (("bids_size", size), ("asks_size", size), ("num_seats", seats)):
        reader.expect(field, 8, expected)
    base_mint, base_lot_atoms = _token(reader, "base")
    quote_mint, quote_lot_atoms = _token(reader, "quote")
    tick_quote_atoms = reader.unsigned("tick_size_in_quote_atoms_per_base_unit")
    reader.raw("header and padding", _HEADER_BYTES - reader.offset + 256)
    base_lots_per_unit, tick_lots = (
        reader.unsigned("base_lots_per_base_unit"),
        reader.unsigned("tick_size_in_quote_lots"),
    )
    if tick_lots * quote_lot_atoms != tick_quote_atoms:
        raise reader.misfit("tick_size_in_quote_lots", tick_lots, f"the header's {tick_quote_atoms} quote atoms")
    if not reader.unsigned("order_sequence_number"):
        raise reader.misfit("order_sequence_number", 0, "an initialized market")
    taker_fee_bps = reader.unsigned("taker_fee_bps")
    reader.raw("collected and unclaimed fees", 16)
    bids, asks = _orders(reader, "bids", size), _orders(reader, "asks", size)
    try:
        return PhoenixMarket(
            base_mint,
            quote_mint,
            base_lot_atoms,
            quote_lot_atoms,
            base_lots_per_unit,
            tick_lots,
            taker_fee_bps,
            bids,
            asks,
        )
    except ValueError as error:
        raise reader.misfit("terms", str(error), "a market that the program initialized") from error


def quote(
    market: PhoenixMarket, amount_in_atoms: int, zero_for_one: bool, slot: int, unix_s: int
) -> SwapQuote | SwapRefusal:
    """What a swap pays; the fee is in the quote token. ``crossed`` counts orders emptied."""
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1")
    budget = _budget(market, amount_in_atoms, zero_for_one)
    if isinstance(budget, SwapRefusal):
        return budget
    match = _matched(market, budget, zero_for_one, slot, unix_s)
    if isinstance(match, SwapRefusal):
        return match
    if not match.filled:
        return SwapRefusal("the book cannot fill the amount")
    matched = match.adjusted_quote_lots // market.base_lots_per_unit  # exact: a tick is whole quote lots per base lot
    fee = -(-match.adjusted_quote_lots * market.taker_fee_bps // BPS)
    fee_lots = -(-fee // market.base_lots_per_unit)
    base_atoms = match.base_lots * market.base_lot_atoms
    quote_atoms = (matched - fee_lots if zero_for_one else matched + fee_lots) * market.quote_lot_atoms
    if base_atoms <= 0 or quote_atoms <= 0:
        return SwapRefusal("the swap pays nothing after lots and fee")
    if max(base_atoms, quote_atoms) > MAX_U64:
        return SwapRefusal("an amount exceeds u64")
    fee_atoms = fee_lots * market.quote_lot_atoms
    if zero_for_one:
        return SwapQuote(base_atoms, quote_atoms, 0, fee_atoms, match.emptied)
    return SwapQuote(quote_atoms, base_atoms, fee_atoms, crossed=match.emptied)


def apply(market: PhoenixMarket, swap: SwapQuote, zero_for_one: bool, slot: int, unix_s: int) -> PhoenixMarket:
    """The market after the swap: expired orders that it met are gone too, as the program drops them.

    Raises ValueError for a quote that does not fit the book (made for another state).
    """
    lots = (swap.amount_in_atoms if zero_for_one else swap.amount_out_atoms) // market.base_lot_atoms
    match = _matched(market, (lots, MAX_U64), zero_for_one, slot, unix_s)
    if isinstance(match, SwapRefusal) or not match.filled:
        raise ValueError(f"swap of {swap.amount_in_atoms} atoms does not fit the book: it was quoted for another state")
    return structs.replace(market, bids=match.left) if zero_for_one else structs.replace(market, asks=match.left)


def segments(
    market: PhoenixMarket, zero_for_one: bool, slot: int, unix_s: int, most: int | None = None
) -> tuple[Segment, ...]:
    """One segment of constant price per live order, best first; the first ``most`` (None: all)."""
    fee = market.taker_fee_bps / BPS
    found = []
    for order in market.bids if zero_for_one else market.asks:
        if order.expired(slot, unix_s):
            continue
        base = float(order.base_lots * market.base_lot_atoms)
        lots = order.price_ticks * market.tick_quote_lots_per_unit * order.base_lots // market.base_lots_per_unit
        paid = float(lots * market.quote_lot_atoms)
        if zero_for_one:
            found.append(Segment(base, paid * (1.0 - fee), base, 0.0))
        else:
            found.append(Segment(paid * (1.0 + fee), base, paid * (1.0 + fee), 0.0))
        if len(found) == most:
            break
    return tuple(found)


def _budget(market: PhoenixMarket, amount_in_atoms: int, zero_for_one: bool) -> tuple[int, int] | SwapRefusal:
    """(base lots, adjusted quote lots) that may be matched: one is the amount's, the other is without bound."""
    if zero_for_one:
        lots = amount_in_atoms // market.base_lot_atoms
        return (lots, MAX_U64) if lots else SwapRefusal(f"less than one lot of {market.base_lot_atoms} atoms")
    adjusted = amount_in_atoms // market.quote_lot_atoms * market.base_lots_per_unit
    if adjusted > MAX_U64:
        return SwapRefusal("the budget exceeds u64 adjusted quote lots")
    fee_of_max = -(-MAX_U64 * market.taker_fee_bps // BPS)
    budget = adjusted * MAX_U64 // (MAX_U64 + fee_of_max)
    return (MAX_U64, budget) if budget else SwapRefusal(f"less than one lot of {market.quote_lot_atoms} atoms")


def _matched(
    market: PhoenixMarket, budget: tuple[int, int], zero_for_one: bool, slot: int, unix_s: int
) -> _Match | SwapRefusal:
    """``match_order``: whole orders while both budgets allow, then the part that they allow."""
    orders = market.bids if zero_for_one else market.asks
    base_left, quote_left = budget
    base = adjusted = emptied = 0
    for index, order in enumerate(orders):
        if order.expired(slot, unix_s):
            continue
        price = order.price_ticks * market.tick_quote_lots_per_unit
        if price * order.base_lots > MAX_U64:
            return SwapRefusal("an order exceeds u64 adjusted quote lots")
        lots = min(order.base_lots, base_left, quote_left // price)
        base, adjusted = base + lots, adjusted + lots * price
        base_left, quote_left = base_left - lots, quote_left - lots * price
        if lots < order.base_lots:
            rest = structs.replace(order, base_lots=order.base_lots - lots)
            return _Match(base, adjusted, emptied, (rest, *orders[index + 1 :]), filled=True)
        emptied += 1
        if not base_left or not quote_left:
            return _Match(base, adjusted, emptied, orders[index + 1 :], filled=True)
    return _Match(base, adjusted, emptied, (), filled=False)


def _token(reader: AccountReader, side: str) -> tuple[str, int]:
    reader.raw(f"{side} decimals and vault bump", 8)
    mint = reader.address(f"{side} mint")
    reader.raw(f"{side} vault", 32)
    return mint, reader.unsigned(f"{side}_lot_size")


def _orders(reader: AccountReader, book: str, size: int) -> tuple[PhoenixOrder, ...]:
    """The orders of a red-black tree in its order, which is best first; every link is checked against the tree's
    count, so that a loop or a dangling index is an error and not a hang."""
    root = reader.unsigned(f"{book}.root", 4)
    reader.raw(f"{book}.padding", 12)
    count = reader.unsigned(f"{book}.size")
    reader.raw(f"{book}.free list", 8)
    nodes = reader.raw(f"{book}.nodes", size * _ORDER_BYTES)
    if count > size:
        raise reader.misfit(f"{book}.size", count, f"0 to {size}")
    orders, last = [], None
    for index in _walk(reader, book, nodes, root, count):
        node = nodes[(index - 1) * _ORDER_BYTES : index * _ORDER_BYTES]
        price, sequence, _, lots, slot, unix_s = (
            int.from_bytes(node[at : at + 8], "little") for at in range(16, 64, 8)
        )
        is_bid = sequence >> 63 == 1
        key = (-price if is_bid else price, MAX_U64 - sequence if is_bid else sequence)
        if is_bid != (book == "bids") or not price or not lots or (last is not None and key <= last):
            raise reader.misfit(
                f"{book}[{index}]", (price, sequence, lots), "a live order of this side, in the book's order"
            )
        orders.append(PhoenixOrder(price, lots, slot, unix_s))
        last = key
    if len(orders) != count:
        raise reader.misfit(f"{book}.size", count, f"the {len(orders)} orders of the tree")
    return tuple(orders)


def _walk(reader: AccountReader, book: str, nodes: bytes, root: int, count: int) -> Iterator[int]:
    """Node numbers (from 1) left to right."""
    seen: set[int] = set()
    above: list[int] = []
    node = root
    while node or above:
        while node:
            if node * _ORDER_BYTES > len(nodes) or node in seen or len(seen) >= count:
                raise reader.misfit(f"{book} tree", node, f"a tree of {count} nodes, each reached once")
            seen.add(node)
            above.append(node)
            node = int.from_bytes(nodes[(node - 1) * _ORDER_BYTES : (node - 1) * _ORDER_BYTES + 4], "little")
        node = above.pop()
        yield node
        node = int.from_bytes(nodes[(node - 1) * _ORDER_BYTES + 4 : (node - 1) * _ORDER_BYTES + 8], "little")
