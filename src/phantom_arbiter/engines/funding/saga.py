"""The hedge as a saga: a short and its spot leg belong together, with one deadline and a bound on being naked.

A saga begins with the order that moves the legs (or with a hedge found broken) and ends once no order is out and the
net delta is within `dust_atoms`. Between the two it measures the *naked dollar-seconds*: |net delta| in dollars, summed
over time. It is plain data inside the engine's state: a snapshot carries it, so a restart goes on in the middle.

How the engine calls it (nothing is to be done on a restart):

- ``state.saga = track(state.saga, desk, config, market, held, dust, order)`` in every ``on_order``, and on every tick
  without an order: it begins, observes and finishes; ``dust = dust_atoms(market, band)``, the no-trade band in base
  atoms;
- `largest_notional_micros` when sizing an entry: no larger leg could be naked for `LEG_WORST_NS` twice within the cap;
- while `under_way`, look again `RETRY_NS` after asking, and at the next tick after any order's end;
- ``moves.mend(desk, config, terms, held, margin, dust, state.saga, keep)`` for the missing move: it asks
  `must_unwind`;
- `saga_row` for the page.

Settings used: ``complete_within_ns`` (the deadline), ``naked_cap_s`` and ``naked_cap_usd_s``.

Units: exposure in micro-dollars, time in ns, and their product, ``naked_micros_s``, in micro-dollar-seconds, rounded up
at each look (at most a millionth of a dollar-second too much; $100,000 for a year fits 64 bits).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field, to_builtins

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.instruments import Instrument, Universe
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.units import MICROS_PER_USD, NS_PER_SECOND, Rounding, mul_div, power_of_ten
from phantom_arbiter.engines.funding.saga_legs import SagaLeg, leg_rows

if TYPE_CHECKING:  # both import the settings, whose state holds a `SagaState`
    from phantom_arbiter.engines.funding.account import Holdings
    from phantom_arbiter.engines.funding.settings import FundingConfig

LEG_WORST_NS: Final = 62 * NS_PER_SECOND
"""The longest a leg can leave us waiting: a dropped transaction is only dead with its blockhash (150 slots of 0.4 s),
and is told a slot later; building and sending it comes before."""
RETRY_NS: Final = 2 * NS_PER_SECOND
"""The gates refuse the same order twice within this time."""
MAX_LEGS: Final = 8
"""Legs told on the page; the oldest go first."""
_NS_PER_MS: Final = 1_000_000


class SagaState(Struct):
    """One saga. ``kind``: open, close, hedge or unwind. ``ended_ns`` 0: under way.

    ``doubt_micros_s`` is what ``naked_micros_s`` would have to grow by if the legs that are out have filled since
    they were sent; it is added when one did, and forgotten when none did. So a fill told late counts from its sending.
    """

    id: str
    kind: str
    command_id: str
    started_ns: int
    deadline_ns: int
    cap_micros_s: int
    seen_ns: int
    delta_atoms: int = 0
    exposure_micros: int = 0
    doubt_micros: int = 0
    naked_micros_s: int = 0
    doubt_micros_s: int = 0
    ended_ns: int = 0
    stage: str = "accepted"
    message: str = ""
    order_id: str = ""
    legs: list[SagaLeg] = field(default_factory=list)
    earlier_legs: int = 0
    """How many of ``legs`` belong to orders before ``order_id``."""


class Seen(Struct, frozen=True):
    """One look: the signed net delta and its dollars, the further dollars if the legs that are out have filled, and
    whether any is out."""

    delta_atoms: int
    exposure_micros: int
    doubt_micros: int
    out: bool


def under_way(saga: SagaState | None) -> bool:
    """Whether a saga has not ended."""
    return saga is not None and not saga.ended_ns


def dust_atoms(market: Instrument, band_atoms: int) -> int:
    """The net delta that counts as hedged: the market's step, or the no-trade band where that is wider."""
    return max(market.step_base_atoms, band_atoms)


def largest_notional_micros(config: FundingConfig) -> int:
    """The largest leg that may be sent: naked for one leg that never lands, and once more for its replacement, it
    stays within the cap. 0 where no size does."""
    worst_ns = 2 * LEG_WORST_NS
    if config.naked_cap_s * NS_PER_SECOND < worst_ns:
        return 0
    return config.naked_cap_usd_s * MICROS_PER_USD * NS_PER_SECOND // worst_ns


def begin(
    kind: str, saga_id: str, command_id: str, now_ns: int, notional_micros: int, config: FundingConfig
) -> SagaState:
    """A saga over ``notional_micros``. Its cap: that notional for ``naked_cap_s``, at most ``naked_cap_usd_s``."""
    cap = min(notional_micros * config.naked_cap_s, config.naked_cap_usd_s * MICROS_PER_USD)
    deadline_ns = now_ns + config.complete_within_ns
    return SagaState(saga_id, kind, command_id, now_ns, deadline_ns, cap, seen_ns=now_ns)


def observe(saga: SagaState, now_ns: int, seen: Seen) -> None:
    """Add |delta|·price over the time since the last look, with the exposure of that look held constant: exact where
    it changes only at the looks. A second look at the same instant adds nothing."""
    elapsed_ns = max(0, now_ns - saga.seen_ns)
    saga.naked_micros_s += _product(saga.exposure_micros, elapsed_ns)
    saga.doubt_micros_s += _product(saga.doubt_micros, elapsed_ns)
    if abs(seen.delta_atoms) > abs(saga.delta_atoms):
        saga.naked_micros_s += saga.doubt_micros_s
        saga.doubt_micros_s = 0
    elif not seen.out:
        saga.doubt_micros_s = 0
    saga.seen_ns = max(saga.seen_ns, now_ns)
    saga.delta_atoms, saga.exposure_micros, saga.doubt_micros = (
        seen.delta_atoms,
        seen.exposure_micros,
        seen.doubt_micros,
    )


def must_unwind(saga: SagaState | None, now_ns: int) -> str:
    """Why only the way that flattens is left: the deadline, or a cap that one more leg that never lands would break.
    Empty: there is a choice."""
    if saga is None:
        return ""
    if now_ns >= saga.deadline_ns:
        return "the deadline has passed"
    ahead = _product(saga.exposure_micros, LEG_WORST_NS)
    if saga.naked_micros_s + saga.doubt_micros_s + ahead > saga.cap_micros_s:
        return "the cap on naked dollar-seconds is near"
    return ""


def finish(saga: SagaState, now_ns: int, stage: str, message: str) -> None:
    """End it: ``stage`` done or failed."""
    saga.ended_ns, saga.stage, saga.message = now_ns, stage, message


def track(
    saga: SagaState | None,
    desk: Desk,
    config: FundingConfig,
    market: Instrument,
    held: Holdings,
    dust: int,
    order: Order | None = None,
) -> SagaState | None:
    """The saga after a look at what is held and what is out; with ``order``, after a report of it. ``dust``: the net
    delta, in base atoms, that counts as hedged."""
    now_ns, seen = desk.view.now_ns, look(desk, market, held)
    hedged = abs(seen.delta_atoms) <= dust
    if saga is None or saga.ended_ns:
        moving = order or next(iter(desk.orders.values()), None)
        if moving is not None and moves_legs(moving):
            saga = _begin_with(moving, seen, config)
        elif not hedged:
            saga = begin("hedge", f"hedge-{now_ns // _NS_PER_MS}", "", now_ns, seen.exposure_micros, config)
            saga.message = "the legs no longer match"
        else:
            return saga
    observe(saga, now_ns, seen)
    if order is not None:
        _tell_legs(saga, order, desk.view.universe)
    if hedged and not desk.orders:
        finish(saga, now_ns, *_ending(saga, held))
    return saga


def look(desk: Desk, market: Instrument, held: Holdings) -> Seen:
    """What is naked now. Swaps follow a perp leg or mend one, so only perp legs that are out can add exposure."""
    delta, pending, out = held.delta_atoms, 0, False
    for order in desk.orders.values():
        for leg, state in zip(order.intent.legs, order.legs, strict=True):
            out = out or state.is_out
            if state.is_out and isinstance(leg, PerpOrder):
                rest = state.size_atoms - state.in_atoms
                pending += rest if leg.side is Side.BUY else -rest
    further = max(0, abs(delta + pending) - abs(delta))
    return Seen(delta, _micros(desk, market, abs(delta)), _micros(desk, market, further), out)


def saga_row(saga: SagaState | None) -> dict[str, Any] | None:
    """The page's row; keys as in `dashboard.panels.Saga`. Doubt counts as naked."""
    if saga is None:
        return None
    return {
        "id": saga.id,
        "kind": saga.kind,
        "cause": saga.command_id,
        "stage": saga.stage,
        "legs": [to_builtins(leg) for leg in saga.legs],
        "started_ts": saga.started_ns // _NS_PER_MS,
        "deadline_ts": saga.deadline_ns // _NS_PER_MS,
        "naked_usd_s": (saga.naked_micros_s + saga.doubt_micros_s) / MICROS_PER_USD,
        "naked_cap_usd_s": saga.cap_micros_s / MICROS_PER_USD,
        "message": saga.message,
    }


def _product(micros: int, elapsed_ns: int) -> int:
    """Micro-dollar-seconds, rounded up."""
    return -(-micros * elapsed_ns // NS_PER_SECOND)


def _micros(desk: Desk, market: Instrument, base_atoms: int) -> int:
    """Base atoms at the oracle, else at the ask, rounded up; nothing is held where neither was ever seen."""
    oracle, quote = desk.view.oracle(market.id), desk.view.quote(market.id)
    px = oracle.px if oracle is not None else quote.ask_px if quote is not None else 0
    quote_atoms = market.quote_atoms(base_atoms, px, Rounding.UP)
    return mul_div(quote_atoms, MICROS_PER_USD, power_of_ten(market.quote_decimals), Rounding.UP)


def moves_legs(order: Order) -> bool:
    """Whether an order trades, and does not only move margin."""
    return any(not isinstance(leg, CollateralTransfer) for leg in order.intent.legs)


def _begin_with(order: Order, seen: Seen, config: FundingConfig) -> SagaState:
    """A saga that begins with an order; what its first report tells counts from its approval."""
    intent = order.intent
    buys = any(isinstance(leg, PerpOrder) and leg.side is Side.BUY for leg in intent.legs)
    mending = "unwind" if buys else "hedge"
    kind = {Purpose.ENTRY: "open", Purpose.EXIT: "close"}.get(intent.purpose, mending)
    saga = begin(kind, order.id, intent.command_id, order.created_ns, intent.notional_micros, config)
    saga.message, saga.doubt_micros = intent.reason, max(seen.exposure_micros, seen.doubt_micros)
    return saga


def _ending(saga: SagaState, held: Holdings) -> tuple[str, str]:
    """(stage, message) of a saga whose legs match again."""
    naked = f"naked for ${saga.naked_micros_s / MICROS_PER_USD:,.0f}·s of ${saga.cap_micros_s / MICROS_PER_USD:,.0f}·s"
    if not any(leg.status in ("filled", "partial") for leg in saga.legs if leg.name not in ("margin", "withdraw")):
        return ("done", f"the legs match again; {naked}") if saga.kind == "hedge" else ("failed", "nothing was traded")
    if saga.kind == "open" and held.flat:
        return "failed", f"unwound: nothing is held; {naked}"
    if saga.kind == "close" and not held.flat:
        return "failed", f"closed in part, both legs alike; {naked}"
    return "done", f"both legs match; {naked}"


def _tell_legs(saga: SagaState, order: Order, universe: Universe) -> None:
    if order.id != saga.order_id:
        saga.order_id, saga.earlier_legs = order.id, len(saga.legs)
    rows = leg_rows(order, universe)
    earlier = saga.legs[: saga.earlier_legs][-(MAX_LEGS - len(rows)) :] if len(rows) < MAX_LEGS else []
    saga.legs, saga.earlier_legs = [*earlier, *rows], len(earlier)
    begun = [leg for leg in saga.legs if leg.name not in ("margin", "withdraw") and leg.status != "waiting"]
    unknown = any(leg.status == "unknown" for leg in rows)
    saga.stage = "unknown" if unknown else ("accepted", "leg_1", "leg_2")[min(2, len(begun))]
