"""What orders and settlements do to the ledger, the books and P&L.

One plan of reservations (`core.reservation_plan`) serves the gate that asks for free capital and the ledger that sets
it aside, so an approved intent cannot fail to be reserved. P&L causes are booked as they happen, in millionths of a
dollar at that moment's price; what no other cause explains is PRICE.
"""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.cycles import base_asset, expected_atoms, is_cycle, net_flows, spent_atoms
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import (
    Fee,
    FeeKind,
    FundingSettled,
    LegStatus,
    Liquidated,
    PnlSettled,
    StakePoolRead,
)
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Side, Swap
from phantom_arbiter.core.ledger import (
    AVAILABLE,
    DEPLOYED,
    FEE,
    INCOME,
    MARKET,
    Duplicate,
    Posting,
    Shortfall,
    Transaction,
    move,
)
from phantom_arbiter.core.orders import LegDelta, Order
from phantom_arbiter.core.portfolio import Cause, EngineBook, Lot, PerpPosition
from phantom_arbiter.core.reservation import Reservation, Source
from phantom_arbiter.core.reservation_plan import Need, reservation_id, reservation_plan, takes_position
from phantom_arbiter.core.units import NS_PER_HOUR, Rounding, mul_div
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.core.view import MarketView

RESERVATION_LIFE_NS: Final = NS_PER_HOUR
"""Noted on the reservation; it is held from the start, so only what becomes of its order ends it."""


class Accounting:
    """Applies what happened. Returns nothing; the ledger's transactions collect in ``journal`` until taken."""

    def __init__(self, vault: VaultManager, view: MarketView, desks: dict[str, Desk]) -> None:
        self.vault = vault
        self.view = view
        self.desks = desks
        self.journal: list[Transaction] = []

    def take_journal(self) -> list[Transaction]:
        """The ledger transactions since the last call."""
        taken, self.journal = self.journal, []
        return taken

    # Orders

    def open(self, order: Order, now_ns: int) -> None:
        """Reserve everything an approved intent needs. A shortfall here is a bug: the capital gate came first."""
        for need in reservation_plan(order.intent):
            self._reserve(order, need, now_ns)

    def reserve_withdrawal(self, order: Order, leg: int, now_ns: int) -> bool:
        """Set aside collateral that is about to leave a venue; False where the ledger does not hold it."""
        transfer = order.intent.legs[leg]
        assert isinstance(transfer, CollateralTransfer)
        need = Need(leg, transfer.asset, -transfer.atoms, Source.DEPLOYED)
        return self._try_reserve(order, need, now_ns) is None

    def _reserve(self, order: Order, need: Need, now_ns: int) -> None:
        shortfall = self._try_reserve(order, need, now_ns)
        if shortfall is not None:
            raise AssertionError(f"order {order.id} was approved without the capital it needs: {shortfall}")

    def _try_reserve(self, order: Order, need: Need, now_ns: int) -> object | None:
        rid = reservation_id(order.id, need.leg)
        expires_ns = now_ns + RESERVATION_LIFE_NS
        outcome = self.vault.reserve(
            rid, order.intent.engine, need.asset, need.atoms, need.source, expires_ns, ts_ns=now_ns
        )
        if isinstance(outcome, Reservation):
            self.journal.append(outcome.opening)
            self.vault.hold(rid)
            return None
        return outcome

    def apply_leg(self, order: Order, delta: LegDelta, now_ns: int) -> None:
        """Book what a report added to one leg."""
        leg = order.intent.legs[delta.leg]
        book = self.desks[order.intent.engine].book
        self._book_leg_fees(order, delta, now_ns)
        match leg:
            case PerpOrder():
                self._fill_perp(book, leg, delta)
            case Swap() if delta.ended and not is_cycle(order.intent):
                self._end_swap(order, leg, delta.leg, now_ns)
            case CollateralTransfer() if delta.ended:
                self._end_transfer(order, leg, delta.leg, now_ns)
            case _:
                pass

    def finish(self, order: Order, now_ns: int) -> None:
        """The order is over: settle a cycle, pay the chain's fees, release what is left."""
        engine = order.intent.engine
        if is_cycle(order.intent):
            self._end_cycle(order, now_ns)
        for leg in range(len(order.legs)):
            if self.vault.reservation(reservation_id(order.id, leg)) is not None:
                self._keep(self.vault.void(reservation_id(order.id, leg), ts_ns=now_ns))
        self._pay_chain_fees(order, now_ns)
        if any(leg.in_atoms for leg in order.legs):
            self.desks[engine].book.trades += 1

    def _end_swap(self, order: Order, leg: Swap, index: int, now_ns: int) -> None:
        state, rid = order.legs[index], reservation_id(order.id, index)
        if not state.in_atoms:
            self._keep(self.vault.void(rid, ts_ns=now_ns))
            return
        engine, book = order.intent.engine, self.desks[order.intent.engine].book
        taken = takes_position(order.intent, leg)
        target = AVAILABLE[engine] if taken else DEPLOYED[engine]
        postings = (
            Posting(MARKET, leg.in_asset, state.in_atoms),
            *move(MARKET, target, leg.out_asset, state.out_atoms),
        )
        self._keep(self.vault.post(rid, state.in_atoms, postings, ts_ns=now_ns))
        expected = mul_div(leg.expected_out_atoms, state.in_atoms, leg.in_atoms, Rounding.DOWN)
        self._slip(book, leg.out_asset, state.out_atoms - expected)
        if taken:
            _reduce_lot(book, order.intent.position_id, state.in_atoms)
        elif order.intent.position_id:
            _add_lot(book, order, leg, state.in_atoms, state.out_atoms, now_ns)

    def _end_cycle(self, order: Order, now_ns: int) -> None:
        rid = reservation_id(order.id, 0)
        if self.vault.reservation(rid) is None:
            return
        if any(leg.status is not LegStatus.FILLED for leg in order.legs):
            self._keep(self.vault.void(rid, ts_ns=now_ns))
            return
        engine, base, spent = order.intent.engine, base_asset(order.intent), spent_atoms(order)
        flows = net_flows(order)
        got = flows.pop(base) + spent
        postings = [Posting(MARKET, base, spent), *move(MARKET, AVAILABLE[engine], base, got)]
        for asset, left in flows.items():
            if left:  # more than the next leg spends; with less the transaction had reverted
                postings += move(MARKET, AVAILABLE[engine], asset, left)
        self._keep(self.vault.post(rid, spent, tuple(postings), ts_ns=now_ns))
        self._slip(self.desks[engine].book, base, got - expected_atoms(order.intent))

    def _end_transfer(self, order: Order, leg: CollateralTransfer, index: int, now_ns: int) -> None:
        state, rid = order.legs[index], reservation_id(order.id, index)
        if self.vault.reservation(rid) is None:
            return
        if not state.in_atoms:
            self._keep(self.vault.void(rid, ts_ns=now_ns))
            return
        engine, book = order.intent.engine, self.desks[order.intent.engine].book
        target = DEPLOYED[engine] if leg.atoms > 0 else AVAILABLE[engine]
        self._keep(self.vault.post(rid, state.in_atoms, (Posting(target, leg.asset, state.in_atoms),), ts_ns=now_ns))
        key = f"{leg.venue}:{leg.asset}"
        signed = state.in_atoms if leg.atoms > 0 else -state.in_atoms
        book.collateral[key] = book.collateral.get(key, 0) + signed

    def _fill_perp(self, book: EngineBook, leg: PerpOrder, delta: LegDelta) -> None:
        if not delta.in_atoms:
            return
        position = book.perps.get(leg.instrument)
        if position is None:
            index = self.view.funding_index_e9.get(leg.instrument, 0)
            position = PerpPosition(leg.instrument, leg.venue, funding_index_e9=index)
            book.perps[leg.instrument] = position
        sign = 1 if leg.side is Side.BUY else -1
        position.opened_ns = position.opened_ns if position.base_atoms else self.view.now_ns
        position.base_atoms += sign * delta.in_atoms
        position.quote_atoms -= sign * delta.out_atoms
        instrument = self.view.universe.instruments[leg.instrument]
        expected = instrument.quote_atoms(delta.in_atoms, leg.expected_px, Rounding.DOWN)
        self._slip(book, instrument.quote, -sign * (delta.out_atoms - expected))

    def _book_leg_fees(self, order: Order, delta: LegDelta, now_ns: int) -> None:
        engine, book = order.intent.engine, self.desks[order.intent.engine].book
        for fee in delta.fees:
            book.add_pnl(Cause.FEES, -self._micros(fee.asset, fee.atoms))
            if fee.kind is not FeeKind.SWAP:
                told = sum(known.atoms for known in order.legs[delta.leg].fees)
                self._charge_collateral(
                    f"{order.id}:{delta.leg}:{fee.kind}:{fee.asset}:{told}",
                    order.intent.legs[delta.leg],
                    engine,
                    fee,
                    now_ns,
                )

    def _charge_collateral(self, key: str, leg: object, engine: str, fee: Fee, now_ns: int) -> None:
        venue = leg.venue if isinstance(leg, PerpOrder | CollateralTransfer) else ""
        postings = move(DEPLOYED[engine], FEE[fee.kind], fee.asset, fee.atoms)
        self._settle(key, "fee", engine, venue, fee.asset, -fee.atoms, postings, now_ns)

    def _pay_chain_fees(self, order: Order, now_ns: int) -> None:
        rid = reservation_id(order.id, -1)
        book = self.desks[order.intent.engine].book
        spent = sum(fee.atoms for fee in order.chain_fees)
        if not spent:
            self._keep(self.vault.void(rid, ts_ns=now_ns))
            return
        postings = tuple(Posting(FEE[fee.kind], fee.asset, fee.atoms) for fee in order.chain_fees)
        self._keep(self.vault.post(rid, spent, postings, ts_ns=now_ns))
        for fee in order.chain_fees:
            cause = Cause.TIPS if fee.kind is FeeKind.TIP else Cause.FEES
            book.add_pnl(cause, -self._micros(fee.asset, fee.atoms))

    # Settlements by a venue

    def funding(self, fact: FundingSettled, now_ns: int, seq: int) -> None:
        """Funding received (or paid, negative) goes to the collateral."""
        book = self.desks[fact.engine].book
        position = book.perps.get(fact.instrument)
        if position is not None:
            position.funding_index_e9 = fact.index_to_e9
            position.funding_received_atoms += fact.payment_atoms
        if fact.payment_atoms:
            venue = _venue(book, fact.instrument, fact.asset)
            postings = move(INCOME["funding"], DEPLOYED[fact.engine], fact.asset, fact.payment_atoms)
            key = f"funding:{seq}"
            self._settle(key, "funding", fact.engine, venue, fact.asset, fact.payment_atoms, postings, now_ns)
            book.add_pnl(Cause.FUNDING, self._micros(fact.asset, fact.payment_atoms))

    def pnl(self, fact: PnlSettled, now_ns: int, seq: int) -> None:
        """A venue realised profit or loss, or charged interest on what was borrowed."""
        book = self.desks[fact.engine].book
        position, venue = book.perps.get(fact.instrument), _venue(book, fact.instrument, fact.asset)
        if fact.cause is FeeKind.BORROW:
            account = FEE[FeeKind.BORROW]
            book.add_pnl(Cause.BORROW, self._micros(fact.asset, fact.payment_atoms))
        else:
            account = INCOME["trading"]
            if position is not None:
                position.quote_atoms -= fact.payment_atoms
                if position.base_atoms == 0:
                    del book.perps[fact.instrument]
        if not fact.payment_atoms:
            return
        postings = move(account, DEPLOYED[fact.engine], fact.asset, fact.payment_atoms)
        self._settle(f"pnl:{seq}", "pnl", fact.engine, venue, fact.asset, fact.payment_atoms, postings, now_ns)

    def liquidated(self, fact: Liquidated, now_ns: int, seq: int) -> None:
        """A forced close: the position shrinks by ``base_atoms`` at ``quote_atoms``; the fee is a fee."""
        book = self.desks[fact.engine].book
        position = book.perps[fact.instrument]
        sign = 1 if position.base_atoms < 0 else -1
        position.base_atoms += sign * fact.base_atoms
        position.quote_atoms -= sign * fact.quote_atoms
        quote = self.view.universe.instruments[fact.instrument].quote
        book.add_pnl(Cause.FEES, -self._micros(quote, fact.fee_atoms))
        postings = move(DEPLOYED[fact.engine], FEE[FeeKind.PERP], quote, fact.fee_atoms)
        key = f"liquidation:{seq}"
        self._settle(key, "liquidation", fact.engine, position.venue, quote, -fact.fee_atoms, postings, now_ns)

    def staking(self, before: StakePoolRead, after: StakePoolRead) -> None:
        """A stake pool's rate grew: what each engine holds of the token earned that much SOL."""
        for engine, desk in self.desks.items():
            held = self.vault.engine_assets(engine).get(after.token, 0)
            if held:
                old = held * before.total_lamports // before.supply_atoms
                new = held * after.total_lamports // after.supply_atoms
                desk.book.add_pnl(Cause.STAKING, self._micros("SOL", new - old))

    def _settle(
        self,
        key: str,
        kind: str,
        engine: str,
        venue: str,
        asset: str,
        atoms: int,
        postings: tuple[Posting, ...],
        now_ns: int,
    ) -> None:
        """Move a venue settlement through the ledger; collateral that cannot pay all of a loss pays what is there."""
        outcome = self.vault.record(key, kind, engine, postings, ts_ns=now_ns)
        if isinstance(outcome, Shortfall):
            atoms = -outcome.free_atoms
            if not atoms:
                return
            counter = next(posting.account for posting in postings if posting.account != DEPLOYED[engine])
            partial = move(DEPLOYED[engine], counter, asset, -atoms)
            outcome = self.vault.record(f"{key}:partial", kind, engine, partial, ts_ns=now_ns)
        self._keep(outcome)
        collateral = self.desks[engine].book.collateral
        name = f"{venue}:{asset}"
        if venue:
            collateral[name] = collateral.get(name, 0) + atoms

    # Valuation

    def equity_micros(self, engine: str) -> int | None:
        """What an engine's holdings and open positions are worth now; None while a price is missing."""
        total = 0
        for asset, atoms in self.vault.engine_assets(engine).items():
            micros = self.view.usd_micros(asset, atoms)
            if micros is None:
                return None
            total += micros
        for position in self.desks[engine].book.perps.values():
            micros = self._perp_value_micros(position)
            if micros is None:
                return None
            total += micros
        return total

    def _perp_value_micros(self, position: PerpPosition) -> int | None:
        instrument = self.view.universe.instruments[position.instrument]
        oracle = self.view.oracle(position.instrument)
        if oracle is None:
            return None
        value = instrument.quote_atoms(position.base_atoms, oracle.px, Rounding.DOWN)
        return self._micros(instrument.quote, value + position.quote_atoms)

    def own_equity_micros(self, engine: str) -> int | None:
        """Equity as if the starting capital had kept its price: what it was worth then, plus the engine's own result.

        An engine that holds SOL and does nothing neither gains nor loses by it; "just hold" is shown beside.
        """
        book, equity = self.desks[engine].book, self.equity_micros(engine)
        if equity is None:
            return None
        held = sum(self._micros(asset, atoms) for asset, atoms in book.funded.items())
        return equity - held + book.funded_micros

    def pnl_by_cause_micros(self, engine: str) -> dict[str, int]:
        """The engine's own result by cause; they sum to the change of its own equity. Empty without prices."""
        book, equity = self.desks[engine].book, self.own_equity_micros(engine)
        if equity is None:
            return {}
        causes = {cause.value: book.pnl_micros.get(cause, 0) for cause in Cause if cause is not Cause.PRICE}
        return {Cause.PRICE.value: equity - book.funded_micros - sum(causes.values()), **causes}

    def _micros(self, asset: str, atoms: int) -> int:
        return self.view.usd_micros(asset, atoms) or 0

    def _slip(self, book: EngineBook, asset: str, atoms: int) -> None:
        if atoms:
            book.add_pnl(Cause.SLIPPAGE, self._micros(asset, atoms))

    def _keep(self, outcome: object) -> None:
        if isinstance(outcome, Transaction):
            self.journal.append(outcome)
        elif not isinstance(outcome, Duplicate):
            raise AssertionError(f"the ledger refused what was reserved for it: {outcome}")


def _venue(book: EngineBook, instrument: str, asset: str) -> str:
    """Where a settlement belongs: the position's venue; without one, the venue that holds the asset. Empty: nowhere."""
    position = book.perps.get(instrument)
    if position is not None:
        return position.venue
    holders = (key.removesuffix(f":{asset}") for key in book.collateral if key.endswith(f":{asset}"))
    return next(holders, "")


def _add_lot(book: EngineBook, order: Order, leg: Swap, spent: int, got: int, now_ns: int) -> None:
    intent = order.intent
    lot = book.lots.get(intent.position_id)
    if lot is None:
        book.lots[intent.position_id] = Lot(
            intent.position_id, intent.pod, leg.instrument, leg.out_asset, got, leg.in_asset, spent, now_ns
        )
    else:
        lot.atoms += got
        lot.cost_atoms += spent


def _reduce_lot(book: EngineBook, position_id: str, sold: int) -> None:
    lot = book.lots.get(position_id)
    if lot is None:
        return
    left = max(0, lot.atoms - sold)
    if left == 0:
        del book.lots[position_id]
    else:
        lot.cost_atoms = lot.cost_atoms * left // lot.atoms
        lot.atoms = left
