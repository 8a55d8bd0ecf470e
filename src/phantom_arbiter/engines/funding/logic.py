"""FundingEngine: long SOL in the wallet, short SOL-PERP on the venue, paid by the funding of those who are long.

The engine seeks a goal instead of following a script: at every look it compares what the book holds with what it
should hold and asks for the one move that is missing. A leg that failed, a partial fill, a liquidation or a restart
all look the same to it. It has at most one open order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.desk import Subscriptions
from phantom_arbiter.core.events import Envelope, FundingPosted, PerpStatsRead, Quoted, TimerFired, VenueStatus
from phantom_arbiter.core.intents import Intent, Purpose
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.units import BPS
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.funding import carry, words
from phantom_arbiter.engines.funding.account import Holdings, health_price_px, read_holdings, read_margin
from phantom_arbiter.engines.funding.moves import close_position, guard_health, restore_hedge, withdraw
from phantom_arbiter.engines.funding.panel import funding_panel
from phantom_arbiter.engines.funding.plan import Terms, entry_legs, make_intent, plan_entry, read_terms
from phantom_arbiter.engines.funding.settings import NEVER_PX, POSITION_ID, FundingConfig, FundingState

_CLOSED: Final = frozenset({VenueStatus.PAUSED, VenueStatus.ABSENT})


class FundingEngine(BaseEngine):
    """Opens, holds, keeps hedged and closes one SOL position by its break-even carry."""

    id: ClassVar[EngineId] = "funding"
    config: FundingConfig
    state: FundingState

    def __init__(self, live_mode: bool = False, config: FundingConfig | None = None) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or FundingConfig()
        self.state = FundingState()

    def subscriptions(self) -> Subscriptions:
        """Quotes of both legs, funding and the state of the perp market."""
        return Subscriptions(frozenset({self.config.market, self.config.spot}), (FundingPosted, PerpStatsRead))

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """Quotes only meet one precomputed price; the work is done on ticks and on funding."""
        body = envelope.body
        if type(body) is Quoted:
            if body.ask_px < self.state.danger_px or body.instrument != self.config.market:
                return ()
            intents = self._look(envelope.ts_ns)
            self.state.danger_px = NEVER_PX  # once: the next regular look sets it again
            return intents
        if type(body) is TimerFired:
            return self.tick(envelope.ts_ns)
        if type(body) is FundingPosted and body.instrument == self.config.market:
            self._hour(carry.rate_of(body.rate_e9, body.oracle_twap_px), envelope.ts_ns)
        elif type(body) is PerpStatsRead and body.instrument == self.config.market:
            self._premium(body)
        return ()

    def tick(self, now_ns: int) -> Sequence[Intent]:
        """Look every ``look_every_ns``, later after an order was asked for."""
        return () if now_ns < self.state.next_look_ns else self._look(now_ns)

    def on_order(self, order: Order) -> Sequence[Intent]:
        """An order that traded is followed up at the next tick; one that did nothing waits for its retry."""
        if order.status in (OrderStatus.DONE, OrderStatus.PARTIAL):
            self.state.next_look_ns = 0
        return ()

    def close(self, position_id: str) -> Sequence[Intent]:
        """Leave the position and bring the margin home; no new entry for ``reentry_wait_ns``."""
        desk = self.desk
        if (
            position_id.partition(":")[0] not in ("*", POSITION_ID)
            or self.config.market not in desk.view.universe.instruments
        ):
            return ()
        held = read_holdings(desk, self.config)
        if held.flat and not held.withdrawable_atoms:
            return ()
        self._leave("closing as asked")
        self.state.next_proposal_ns = desk.view.now_ns + self.config.reentry_wait_ns
        return self._look(desk.view.now_ns)

    def panel(self) -> dict[str, Any]:
        """The account, both legs and the carry; keys as in `engines.funding.panel`."""
        return funding_panel(self.desk, self.config, self.state)

    def _premium(self, stats: PerpStatsRead) -> None:
        oracle = self.desk.view.oracle(self.config.market)
        if oracle is not None and self.state.history.hours < self.config.warmup_hours:
            rate = carry.predicted_rate(stats.mark_px, oracle.px, self.config)
            carry.observe_premium(self.state.history, rate)

    def _hour(self, rate: float, now_ns: int) -> None:
        """A posted hour: learn from it, and leave once enough hours in a row asked to."""
        state, config = self.state, self.config
        carry.observe_hour(state.history, rate, config)
        model = carry.model_of(state.history, config)
        if model is None or state.closing or read_holdings(self.desk, config).flat:
            state.exit_hours = 0
            return
        cost = max(state.cost_bps, 2 * config.taker_fee_bps) / BPS
        low = carry.lowest_carry(model, config.horizon_hours)
        threshold = carry.exit_threshold(model, cost, config.horizon_hours)
        state.exit_hours = state.exit_hours + 1 if low < -threshold else 0
        if state.exit_hours >= config.exit_confirm_hours:
            self._leave(words.exit_signal(low, threshold, state.exit_hours))
            self._say(now_ns, state.closing_why)

    def _look(self, now_ns: int) -> Sequence[Intent]:
        """Compare holdings with the goal and ask for the next move, if any."""
        desk, state, config = self.desk, self.state, self.config
        if desk.orders:
            return ()
        state.next_look_ns = now_ns + config.look_every_ns
        terms = read_terms(desk.view, config)
        if isinstance(terms, str):
            self._say(now_ns, terms)
            return ()
        held = read_holdings(desk, config)
        move = self._flat(terms, held, now_ns) if held.flat else self._held(terms, held, now_ns)
        if isinstance(move, str):
            if move:
                self._say(now_ns, move)
            return ()
        state.next_look_ns = now_ns + config.retry_every_ns
        self._say(now_ns, move.reason)
        return (move,)

    def _flat(self, terms: Terms, held: Holdings, now_ns: int) -> Intent | str:
        """Nothing is held: bring the margin home after a close, else put an entry forward."""
        desk, state, config = self.desk, self.state, self.config
        state.unhedged_since_ns, state.exit_hours, state.danger_px = 0, 0, NEVER_PX
        status = desk.view.venue_status(config.venue)
        if state.closing:
            if held.withdrawable_atoms:
                return f"{config.venue} is {status}" if status in _CLOSED else withdraw(desk, config, terms, held)
            state.closing = False
        if not desk.entries_allowed:
            return "flat; entries are not allowed now"
        if now_ns < state.next_proposal_ns:
            return ""
        if status is not VenueStatus.LIVE:
            return f"no entry: {config.venue} is {status}"
        return self._propose(terms, held, now_ns)

    def _propose(self, terms: Terms, held: Holdings, now_ns: int) -> Intent | str:
        """The entry with its honest edge, even a negative one: the edge gate decides."""
        desk, state, config = self.desk, self.state, self.config
        state.next_proposal_ns = now_ns + config.retry_every_ns
        model = carry.model_of(state.history, config)
        if model is None:
            return f"waiting for the first funding rate or premium of {config.market}"
        entry = plan_entry(desk, config, terms, held)
        if isinstance(entry, str):
            return f"no entry: {entry}"
        state.next_proposal_ns = now_ns + config.propose_every_ns
        state.cost_bps = entry.cost_fraction * BPS
        expected = carry.expected_carry(model, config.horizon_hours)
        if held.withdrawable_atoms and expected <= entry.cost_fraction:
            return withdraw(desk, config, terms, held)
        reason = words.entry(terms, entry, expected, carry.break_even_days(model, entry.cost_fraction, 8_760), config)
        legs = entry_legs(config, terms, entry)
        notional, edge_bps = entry.notional_micros, expected * BPS
        return make_intent(desk.view, config, Purpose.ENTRY, legs, notional, entry.cost, reason, edge_bps)

    def _held(self, terms: Terms, held: Holdings, now_ns: int) -> Intent | str:
        """Something is held: leave, guard the margin, mend the hedge, or hold."""
        desk, state, config = self.desk, self.state, self.config
        status = desk.view.venue_status(config.venue)
        if status in _CLOSED and held.perp_atoms:
            return f"{config.venue} is {status}: the short cannot be changed, so the spot leg stays"
        if status is VenueStatus.REDUCE_ONLY and not state.closing:
            self._leave(f"{config.venue} only lets positions be reduced")
        if state.closing:
            return close_position(desk, config, terms, held, state.closing_why)
        measured = read_margin(desk, config)
        if measured is not None:
            account, margin = measured
            danger_px = health_price_px(account, margin, config.market, config.health_floor)
            state.danger_px = danger_px if danger_px is not None else NEVER_PX
            guarded = guard_health(desk, config, terms, held, margin)
            if guarded is not None:
                return guarded
        mended = restore_hedge(desk, config, terms, held, self._unhedged_ns(held, now_ns))
        if mended is not None:
            return mended
        model = carry.model_of(state.history, config)
        return words.holding(model, config.horizon_hours) if model is not None else "holding"

    def _unhedged_ns(self, held: Holdings, now_ns: int) -> int | None:
        """How long the net delta has been beyond the no-trade band; None while it is inside."""
        size = max(abs(held.spot_atoms), abs(held.perp_atoms))
        band = max(self.config.band_atoms, size * self.config.band_bps // BPS)
        if abs(held.delta_atoms) <= band:
            self.state.unhedged_since_ns = 0
            return None
        if not self.state.unhedged_since_ns:
            self.state.unhedged_since_ns = now_ns
        return now_ns - self.state.unhedged_since_ns

    def _leave(self, why: str) -> None:
        self.state.closing, self.state.closing_why = True, why

    def _say(self, now_ns: int, text: str) -> None:
        self.state.decision, self.state.decided_ns = text, now_ns
