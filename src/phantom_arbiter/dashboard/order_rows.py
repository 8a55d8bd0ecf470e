"""The kernel's orders and refusals as rows: atoms become whole units, micros become dollars."""

from __future__ import annotations

from math import isfinite
from typing import Final, Literal

from msgspec import structs

from phantom_arbiter.core.commands import ENGINE_IDS, EngineId
from phantom_arbiter.core.events import Fee
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Side, Swap
from phantom_arbiter.core.orders import LegState, Order
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.core.verdicts import GateResult, Refused
from phantom_arbiter.dashboard.rows import Fill, GateMargin, OrderFee, OrderLeg, OrderRow, Refusal

NS_PER_MS: Final = 1_000_000
MICROS: Final = 1_000_000
BPS: Final = 10_000


def engine_id(name: str) -> EngineId:
    """The engine's id, checked; raises `ValueError` for a name that is none."""
    for known in ENGINE_IDS:
        if known == name:
            return known
    raise ValueError(f"engine: got {name!r}, expected one of {', '.join(ENGINE_IDS)}")


def refusal_row(refused: Refused, row_id: str, before: Refusal | None) -> Refusal:
    """A refusal; ``before`` is the same one when it was last told."""
    intent, result = refused.intent, refused.result
    ts = refused.ts_ns // NS_PER_MS
    return Refusal(
        id=row_id if before is None else before.id,
        ts=ts,
        first_ts=ts if before is None else before.first_ts,
        engine=engine_id(intent.engine),
        pod=intent.pod,
        gate=result.gate,
        value=_finite(result.value),
        limit=_finite(result.limit),
        margin=_finite(result.margin),
        unit=result.unit,
        message=result.message,
        reason=intent.reason,
        purpose=intent.purpose,
        notional_usd=intent.notional_micros / MICROS,
        count=1 if before is None else before.count + 1,
        cause=intent.command_id,
    )


def order_row(order: Order, gates: tuple[GateResult, ...], universe: Universe) -> OrderRow:
    """An order, leg by leg."""
    intent = order.intent
    return OrderRow(
        id=order.id,
        engine=engine_id(intent.engine),
        pod=intent.pod,
        purpose=intent.purpose,
        policy=intent.policy,
        status=order.status,
        reason=intent.reason,
        position_id=intent.position_id,
        cause=intent.command_id,
        created_ts=order.created_ns // NS_PER_MS,
        updated_ts=max(order.updated_ns, order.created_ns) // NS_PER_MS,
        notional_usd=intent.notional_micros / MICROS,
        edge_bps=intent.edge_bps,
        net_edge_bps=_net_edge_bps(intent),
        cost_usd=cost_usd(intent.cost),
        signature=order.signature,
        legs=tuple(_leg_row(i, leg, order.legs[i], universe) for i, leg in enumerate(intent.legs)),
        fees=_fee_rows(order.chain_fees, universe),
        gates=tuple(gate_row(gate) for gate in gates),
    )


def fill_rows(row: OrderRow) -> tuple[Fill, ...]:
    """One fill for each leg that traded something."""
    return tuple(fill for leg in row.legs if (fill := _fill_row(row, leg)) is not None)


def _fill_row(row: OrderRow, leg: OrderLeg) -> Fill | None:
    if leg.price is None or leg.side not in ("buy", "sell"):
        return None
    side: Literal["buy", "sell"] = "buy" if leg.side == "buy" else "sell"
    swap_buys = leg.kind == "swap" and side == "buy"
    slippage = None
    if leg.expected_price:
        worse = leg.price - leg.expected_price if side == "buy" else leg.expected_price - leg.price
        slippage = worse / leg.expected_price * BPS
    return Fill(
        id=f"{row.id}/{leg.index}",
        ts=row.updated_ts,
        engine=row.engine,
        instrument=leg.instrument,
        side=side,
        size=leg.out_amount if swap_buys else leg.in_amount,
        price=leg.price,
        order_id=row.id,
        purpose=row.purpose,
        position_id=row.position_id,
        slippage_bps=slippage,
    )


def _leg_row(index: int, leg: Leg, state: LegState, universe: Universe) -> OrderLeg:
    match leg:
        case Swap():
            row = _swap_row(index, leg, state, universe)
        case PerpOrder():
            row = _perp_row(index, leg, state, universe)
        case CollateralTransfer():
            row = _transfer_row(index, leg, state, universe)
    return structs.replace(row, fees=_fee_rows(state.fees, universe), reason=state.reason)


def _swap_row(index: int, leg: Swap, state: LegState, universe: Universe) -> OrderLeg:
    instrument = universe.instruments.get(leg.instrument)
    buys = instrument is not None and leg.in_asset == instrument.quote
    spent = _units(universe, leg.in_asset, state.in_atoms)
    received = _units(universe, leg.out_asset, state.out_atoms)
    size = _units(universe, leg.in_asset, state.size_atoms or leg.in_atoms)
    # The expectation is of the planned input, whatever size was sent in the end.
    planned = _units(universe, leg.in_asset, leg.in_atoms)
    expected = _units(universe, leg.out_asset, leg.expected_out_atoms)
    return OrderLeg(
        index=index,
        kind="swap",
        status=state.status,
        instrument=leg.instrument or f"{leg.in_asset}/{leg.out_asset}",
        venue=leg.pool,
        side="buy" if buys else "sell",
        in_asset=leg.in_asset,
        out_asset=leg.out_asset,
        size=size,
        in_amount=spent,
        out_amount=received,
        expected_price=_ratio(planned, expected) if buys else _ratio(expected, planned),
        price=_ratio(spent, received) if buys else _ratio(received, spent),
    )


def _perp_row(index: int, leg: PerpOrder, state: LegState, universe: Universe) -> OrderLeg:
    instrument = universe.instruments[leg.instrument]
    base = state.in_atoms / power_of_ten(instrument.base_decimals)
    quote = state.out_atoms / power_of_ten(instrument.quote_decimals)
    return OrderLeg(
        index=index,
        kind="perp",
        status=state.status,
        instrument=leg.instrument,
        venue=leg.venue,
        side="buy" if leg.side is Side.BUY else "sell",
        in_asset=instrument.base,
        out_asset=instrument.quote,
        size=(state.size_atoms or leg.base_atoms) / power_of_ten(instrument.base_decimals),
        in_amount=base,
        out_amount=quote,
        expected_price=instrument.price(leg.expected_px) if leg.expected_px else None,
        price=_ratio(quote, base),
    )


def _transfer_row(index: int, leg: CollateralTransfer, state: LegState, universe: Universe) -> OrderLeg:
    return OrderLeg(
        index=index,
        kind="transfer",
        status=state.status,
        instrument="",
        venue=leg.venue,
        side="deposit" if leg.atoms > 0 else "withdraw",
        in_asset=leg.asset,
        out_asset=leg.asset,
        size=_units(universe, leg.asset, abs(leg.atoms)),
        in_amount=_units(universe, leg.asset, state.in_atoms),
        out_amount=_units(universe, leg.asset, state.out_atoms),
        expected_price=None,
        price=None,
    )


def _units(universe: Universe, asset: str, atoms: int) -> float:
    return atoms / power_of_ten(universe.assets[asset].decimals)


def _ratio(above: float, below: float) -> float | None:
    return above / below if above and below else None


def _fee_rows(fees: tuple[Fee, ...], universe: Universe) -> tuple[OrderFee, ...]:
    return tuple(
        OrderFee(kind=fee.kind.value, asset=fee.asset, amount=_units(universe, fee.asset, fee.atoms)) for fee in fees
    )


def gate_row(gate: GateResult) -> GateMargin:
    """A gate's measurement; what is not finite is not told."""
    return GateMargin(
        gate=gate.gate,
        value=_finite(gate.value),
        limit=_finite(gate.limit),
        margin=_finite(gate.margin),
        unit=gate.unit,
        message=gate.message,
    )


def cost_usd(cost: Cost) -> dict[str, float]:
    """The parts of a cost in dollars."""
    return {name.removesuffix("_micros"): value / MICROS for name, value in structs.asdict(cost).items()}


def _net_edge_bps(intent: Intent) -> float | None:
    if intent.notional_micros <= 0:
        return None
    return intent.edge_bps - intent.cost.total_micros / intent.notional_micros * BPS


def _finite(value: float) -> float | None:
    """JSON has no infinity: an open limit is told as None."""
    return value if isfinite(value) else None
