"""The kernel at rest: everything needed to go on as if nothing had happened, and the hash that proves it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from phantom_arbiter.core.commands import KillLevel
from phantom_arbiter.core.events import BorrowRatePosted, Envelope, FeesPosted, LinkChanged, VenueStatusChanged
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.outcome import Benchmark, EngineRecord
from phantom_arbiter.core.portfolio import EngineBook
from phantom_arbiter.core.safety import GatesState
from phantom_arbiter.core.vault import VaultManager, VaultState

if TYPE_CHECKING:
    from phantom_arbiter.core.view import MarketView


class ViewState(Struct, frozen=True):
    """The market view: the latest envelopes, each table in the order it was filled (choices may hang on it)."""

    now_ns: int
    slot: int
    latest: list[Envelope]
    funding_index_e9: dict[str, int]
    borrow_rates: list[BorrowRatePosted]
    venues: list[VenueStatusChanged]
    links: list[LinkChanged]
    fees: FeesPosted


class KernelState(Struct, frozen=True):
    """Plain data, msgpack-ready. ``engines`` holds each engine's own state and config as builtins."""

    seq: int
    minute: int
    kill: KillLevel | None
    vault: VaultState
    gates: GatesState
    view: ViewState
    books: list[EngineBook]
    records: dict[str, EngineRecord]
    orders: list[Order]
    benchmark: Benchmark
    engine_states: dict[str, Any]
    engine_configs: dict[str, Any]


def take(kernel: Kernel) -> KernelState:
    """The kernel as plain data. Closed orders and recent transactions are not part of it: the journal has them."""
    kernel.settle_counts()
    return KernelState(
        seq=kernel.seq,
        minute=kernel.minute,
        kill=kernel.kill,
        vault=kernel.vault.state(),
        gates=kernel.gates.state(),
        view=_take_view(kernel.view),
        books=[desk.book for desk in kernel.desks.values()],
        records=kernel.records,
        orders=list(kernel.orders.values()),
        benchmark=kernel.benchmark,
        engine_states={name: msgspec.to_builtins(engine.state) for name, engine in kernel.engines.items()},
        engine_configs={name: msgspec.to_builtins(engine.config) for name, engine in kernel.engines.items()},
    )


def restore(kernel: Kernel, state: KernelState) -> None:
    """Bring a freshly built kernel (same universe and engines) to ``state``."""
    kernel.seq, kernel.minute, kernel.kill = state.seq, state.minute, state.kill
    kernel.benchmark = state.benchmark
    kernel.replace_vault(VaultManager.from_state(state.vault))
    kernel.gates.restore(state.gates)
    _restore_view(kernel.view, state.view)
    kernel.records.update(state.records)
    for book in state.books:
        kernel.desks[book.engine].book = book
    for order in state.orders:
        kernel.orders[order.id] = order
        kernel.desks[order.intent.engine].orders[order.id] = order
    for name, engine in kernel.engines.items():
        engine.config = msgspec.convert(state.engine_configs[name], type(engine.config))
        engine.state = msgspec.convert(state.engine_states[name], type(engine.state))
        engine.bind(kernel.desks[name])
    kernel.refresh_routes()


def _take_view(view: MarketView) -> ViewState:
    tables = (
        *(view.quotes, view.oracles, view.perps, view.fundings),
        *(view.pools, view.account_pools, view.stake_pools, view.audits),
    )
    return ViewState(
        now_ns=view.now_ns,
        slot=view.slot,
        latest=[envelope for table in tables for envelope in table.values()],
        funding_index_e9=view.funding_index_e9,
        borrow_rates=list(view.borrow_rates.values()),
        venues=list(view.venues.values()),
        links=list(view.links.values()),
        fees=view.fees,
    )


def _restore_view(view: MarketView, state: ViewState) -> None:
    for envelope in state.latest:
        view.fold(envelope)
    view.now_ns, view.slot, view.fees = state.now_ns, state.slot, state.fees
    view.funding_index_e9 = dict(state.funding_index_e9)
    view.borrow_rates = {(rate.venue, rate.asset): rate for rate in state.borrow_rates}
    view.venues = {status.venue: status for status in state.venues}
    view.links = {link.feed: link for link in state.links}


def digest_items(kernel: Kernel) -> Iterator[str | int]:
    """Integers and strings, in a fixed order, that tell two kernels apart. No float goes in."""
    kernel.settle_counts()
    yield kernel.seq
    yield str(kernel.kill)
    yield from kernel.vault.digest_items()
    for name, desk in kernel.desks.items():
        record, book = kernel.records[name], desk.book
        yield from (name, record.status.value, record.orders, record.facts, record.intents, record.approved)
        for gate, count in sorted(record.refused.items()):
            yield from (gate, count)
        yield from (book.trades, book.funded_micros, book.peak_equity_micros, book.max_drawdown_micros)
        for asset, atoms in book.funded.items():
            yield from (asset, atoms)
        for cause, micros in sorted(book.pnl_micros.items()):
            yield from (cause, micros)
        for perp in book.perps.values():
            yield from (perp.instrument, perp.base_atoms, perp.quote_atoms, perp.funding_index_e9)
        for lot in book.lots.values():
            yield from (lot.position_id, lot.asset, lot.atoms, lot.cost_atoms)
    for order in kernel.orders.values():
        yield order.id
        for leg in order.legs:
            yield from (leg.status.value, leg.in_atoms, leg.out_atoms)


def state_hash(*parts: Iterator[str | int]) -> str:
    """BLAKE2b-128 in hex over the items of all parts (kernel, driver, market cursor)."""
    digest = blake2b(digest_size=16)
    for part in parts:
        for item in part:
            digest.update(f"{item}\x1f".encode())
        digest.update(b"\x1e")
    return digest.hexdigest()
