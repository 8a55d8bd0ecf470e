"""The arb engine's orders of a run, followed from verdict to end, valued as they end."""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.cycles import net_flows
from phantom_arbiter.core.events import Envelope, Fee, FeeKind, OrderReported
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.units import BPS, MICROS_PER_USD, SLOT_NS
from phantom_arbiter.core.verdicts import Approved
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.arb.logic import OUTCOMES

LANDED: Final = "landed"
CHAIN: Final = (FeeKind.BASE, FeeKind.PRIORITY, FeeKind.TIP, FeeKind.RENT)


class ArbLeg(Struct, frozen=True):
    """A swap as it filled; its fees are inside the amounts."""

    pool: str
    in_asset: str
    out_asset: str
    in_atoms: int
    out_atoms: int
    fees: tuple[Fee, ...]


class ArbOrder(Struct, frozen=True):
    """An order that ended. ``landed_ns`` is the instant at which it met the market, 0 where it never did; ``swaps`` are
    its pools, each with what it sold there, and ``legs`` what was filled.

    ``flows_atoms``: what its swaps came to by asset, positive received; ``chain_lamports`` by kind. The rest is in
    millionths of a dollar at the prices of the moment its end was told, 0 where an asset has none; ``gross_micros`` is
    before the pools' fees, and ``net_micros`` what is left after them and the chain's. ``hoped_micros``: the net that
    was quoted when it was sent. ``lamport_micros``: a lamport then, as a float, for results in SOL.
    """

    order_id: str
    sent_ns: int
    landed_ns: int
    outcome: str
    reason: str
    size_micros: int
    hoped_micros: int
    swaps: tuple[tuple[str, str], ...] = ()
    legs: tuple[ArbLeg, ...] = ()
    flows_atoms: dict[str, int] = {}
    chain_lamports: dict[str, int] = {}
    gross_micros: int = 0
    pool_fee_micros: int = 0
    chain_micros: dict[str, int] = {}
    lamport_micros: float = 0.0

    @property
    def net_micros(self) -> int:
        """The result after everything."""
        return self.gross_micros - self.pool_fee_micros - sum(self.chain_micros.values())

    @property
    def gain_micros(self) -> int:
        """The result before the tip."""
        return self.net_micros + self.chain_micros.get(FeeKind.TIP, 0)

    @property
    def net_lamports(self) -> float:
        """The result in lamports at that moment's price."""
        return self.net_micros / self.lamport_micros if self.lamport_micros else 0.0

    @property
    def delay_slots(self) -> float:
        """From the decision to the market it met."""
        return (self.landed_ns - self.sent_ns) / SLOT_NS


class ArbFollower:
    """Listens to a sequencer. ``ended`` in the order of their ends; ``refused`` counts (pod, gate)."""

    def __init__(self, view: MarketView) -> None:
        self.ended: list[ArbOrder] = []
        self.refused: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self._view = view
        self._sent_ns: dict[str, int] = {}

    def hear(self, envelope: Envelope, outcome: Outcome) -> None:
        """Note verdicts and ends."""
        for verdict in outcome.verdicts:
            if isinstance(verdict, Approved):
                self.sent += 1
                self._sent_ns[verdict.order_id] = verdict.ts_ns
            else:
                self.refused[verdict.intent.pod, verdict.result.gate] += 1
        body = envelope.body
        if isinstance(body, OrderReported):
            for order in outcome.orders:
                if order.id == body.order_id and not order.is_open and order.id in self._sent_ns:
                    self.ended.append(self._end(order, body.slot * SLOT_NS))

    def _end(self, order: Order, landed_ns: int) -> ArbOrder:
        intent, sent_ns = order.intent, self._sent_ns.pop(order.id)
        why = next((leg.reason for leg in order.legs if leg.reason), "")
        word = why.partition(":")[0]
        landed = order.status is OrderStatus.DONE
        outcome = LANDED if landed else word if word in OUTCOMES else OUTCOMES[-1]
        met = outcome not in ("dropped", "expired")
        size, hoped = intent.notional_micros, _hoped_micros(intent)
        swaps = tuple((leg.pool, leg.in_asset) for leg in intent.legs if isinstance(leg, Swap))
        early = ArbOrder(order.id, sent_ns, landed_ns if met else 0, outcome, why, size, hoped, swaps)
        return self._filled(order, early) if landed else early

    def _filled(self, order: Order, early: ArbOrder) -> ArbOrder:
        legs = tuple(_legs(order))
        flows = {asset: atoms for asset, atoms in net_flows(order).items() if atoms}
        chain = {kind: sum(fee.atoms for fee in order.chain_fees if fee.kind is kind) for kind in CHAIN}
        pool_fees = sum(self._micros(fee.asset, fee.atoms) for leg in legs for fee in leg.fees)
        lamport = (self._view.usd_price("SOL") or 0.0) * MICROS_PER_USD / 10**9
        return replace(
            early,
            reason=order.intent.reason,
            legs=legs,
            flows_atoms=flows,
            chain_lamports={kind.value: lamports for kind, lamports in chain.items()},
            gross_micros=sum(self._micros(asset, atoms) for asset, atoms in flows.items()) + pool_fees,
            pool_fee_micros=pool_fees,
            chain_micros={kind.value: self._micros("SOL", lamports) for kind, lamports in chain.items()},
            lamport_micros=lamport,
        )

    def _micros(self, asset: str, atoms: int) -> int:
        return self._view.usd_micros(asset, atoms) or 0


def _hoped_micros(intent: Intent) -> int:
    return int(intent.notional_micros * intent.edge_bps / BPS) - intent.cost.total_micros


def _legs(order: Order) -> list[ArbLeg]:
    legs = []
    for leg, state in zip(order.intent.legs, order.legs, strict=True):
        assert isinstance(leg, Swap)
        legs.append(ArbLeg(leg.pool, leg.in_asset, leg.out_asset, state.in_atoms, state.out_atoms, state.fees))
    return legs
