"""FundingEngine: long spot in the wallet, short its perp on the venue, paid by the funding of those who are long.

The engine seeks a goal instead of following a script: at every look it compares what the book holds with what it
should hold and asks for the one move that is missing. A leg that failed, a partial fill, a liquidation or a restart
all look the same to it. It has at most one open order and one position, in the market and with the spot leg that
`candidates.survey` puts first. When to enter and when to leave is `policy`'s to say; health comes before both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, EngineId, LeavePosition, Preview, TakePosition
from phantom_arbiter.core.desk import Subscriptions
from phantom_arbiter.core.events import (
    Envelope,
    FundingPosted,
    PerpStatsRead,
    Quoted,
    StakePoolRead,
    TimerFired,
    VenueStatus,
)
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import Intent, Purpose, Swap
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.preview import Draft, HandCommand, Rejection
from phantom_arbiter.core.units import BPS
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.funding import candidates, carry, hand, words
from phantom_arbiter.engines.funding.account import (
    Holdings,
    band_atoms,
    edge_atoms,
    health_price_px,
    held_market,
    read_holdings,
    read_margin,
)
from phantom_arbiter.engines.funding.carry import CarryHistory
from phantom_arbiter.engines.funding.moves import CLOSED, close_position, guard_health, mend, withdraw
from phantom_arbiter.engines.funding.panel import funding_panel
from phantom_arbiter.engines.funding.plan import Terms, capital_freed, capital_now, entry_intent, plan_entry, read_terms
from phantom_arbiter.engines.funding.policy import Act, Policy, band_of, wants
from phantom_arbiter.engines.funding.saga import RETRY_NS, dust_atoms, moves_legs, track, under_way
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.funding.state import NEVER_PX, Candidate, FundingState

UNFINISHED: Final = "a hedge is half done: start the engine again, or nobody mends it"


class FundingEngine(BaseEngine):
    """Opens, holds, keeps hedged and closes one hedged position; takes orders by hand (`core.preview.ByHand`)."""

    id: ClassVar[EngineId] = "funding"
    config: FundingConfig
    state: FundingState

    def __init__(self, live_mode: bool = False, config: FundingConfig | None = None) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or FundingConfig()
        self.state = FundingState()

    def subscriptions(self) -> Subscriptions:
        """Quotes of every perp that can be held and of its base; funding and state of all perps; stake pools."""
        universe = self.desk.view.universe
        perps = [market for market in candidates.perp_markets(universe) if candidates.spot_legs(universe, market)]
        bases = {f"{market.base}/{market.quote}" for market in perps} & universe.instruments.keys()
        return Subscriptions(frozenset({*bases, *(m.id for m in perps)}), (FundingPosted, PerpStatsRead, StakePoolRead))

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """Quotes only meet one precomputed price each; the work is done on ticks and on funding."""
        body = envelope.body
        if type(body) is Quoted:
            if body.ask_px < self.state.danger_px.get(body.instrument, NEVER_PX):
                return ()
            intents = self._look(envelope.ts_ns)
            self.state.danger_px = {}  # once: the next regular look sets it again
            return intents
        if type(body) is TimerFired:
            return self.tick(envelope.ts_ns)
        if type(body) is FundingPosted:
            self._hour(body.instrument, carry.rate_of(body.rate_e9, body.oracle_twap_px), envelope.ts_ns)
        elif type(body) is PerpStatsRead:
            self._premium(body)
        elif type(body) is StakePoolRead:
            candidates.observe_pool(self.state.staking, body)
        return ()

    def tick(self, now_ns: int) -> Sequence[Intent]:
        """Look every ``look_every_ns``, later after an order was asked for."""
        self._track(None)
        return () if now_ns < self.state.next_look_ns else self._look(now_ns)

    def on_order(self, order: Order) -> Sequence[Intent]:
        """An order that traded is followed up at the next tick; one that did nothing waits for its retry."""
        state = self.state
        if order.intent.purpose is Purpose.ENTRY and order.intent.command_id:
            state.by_hand = True
        self._track(order)
        if order.status in (OrderStatus.DONE, OrderStatus.PARTIAL) or (not order.is_open and under_way(state.saga)):
            state.next_look_ns = 0
        return ()

    def close(self, position_id: str) -> Sequence[Intent]:
        """Leave the position and bring the margin home; no new entry for ``reentry_wait_ns``."""
        desk, market = self.desk, self._market()
        if market is None or position_id.partition(":")[0] not in ("*", market.id):
            return ()
        held = read_holdings(desk, self.config, market)
        if held.flat and not held.withdrawable_atoms:
            return ()
        self._leave("closing as asked")
        self.state.next_proposal_ns = desk.view.now_ns + self.config.reentry_wait_ns
        return self._look(desk.view.now_ns)

    def panel(self) -> dict[str, Any]:
        """The account, both legs and the carry; keys as in `engines.funding.panel`."""
        return funding_panel(self.desk, self.config, self.state, self._market())

    # By hand

    def draft(self, request: Preview) -> Draft | Rejection:
        """What the act would do now; its limits are kept under its hash for ``preview_life_ns``."""
        drafted = hand.draft(self.desk, self.config, self.state, request)
        if isinstance(drafted, Rejection):
            return drafted
        draft, shown = drafted
        self.state.drafts = hand.kept(self.state.drafts, shown)
        return draft

    def act(self, request: HandCommand) -> Sequence[Intent] | Rejection:
        """The intent of a previewed act, within the limits that were shown; nothing is changed."""
        plan = hand.plan_command(self.desk, self.config, self.state, request)
        return plan if isinstance(plan, Rejection) else (plan.intent,)

    def acted(self, request: HandCommand, intents: Sequence[Intent]) -> None:
        """The act was approved: its preview is spent, a leave begins to close, a deposit stays."""
        (intent,) = intents
        state, now_ns = self.state, self.desk.view.now_ns
        match request:
            case DriftDeposit():
                state.keep_margin = True
            case DriftWithdraw():
                pass
            case _:
                state.drafts = [shown for shown in state.drafts if shown.hash != request.preview_hash]
                state.market, state.next_look_ns = intent.position_id, now_ns + self.config.retry_every_ns
        if isinstance(request, LeavePosition):
            self._leave("left by hand")
            state.next_proposal_ns = now_ns + self.config.reentry_wait_ns
        elif isinstance(request, TakePosition):
            state.spot_leg = next(leg.out_asset for leg in intent.legs if isinstance(leg, Swap))
            state.cost_bps = intent.cost.total_micros * BPS / intent.notional_micros
        self._say(now_ns, intent.reason)

    def unfinished(self) -> str:
        """A hedge under way: what the legs that are out leave open is mended only while the engine runs."""
        busy = under_way(self.state.saga) or any(moves_legs(order) for order in self.desk.orders.values())
        return UNFINISHED if busy else ""

    # What it hears

    def _premium(self, stats: PerpStatsRead) -> None:
        oracle = self.desk.view.oracle(stats.instrument)
        history = self.state.histories.setdefault(stats.instrument, CarryHistory())
        if oracle is not None and history.hours < self.config.warmup_hours:
            carry.observe_premium(history, carry.predicted_rate(stats.mark_px, oracle.px, self.config))

    def _hour(self, market_id: str, rate: float, now_ns: int) -> None:
        """A posted hour: learn from it; of the market held, leave once enough hours in a row asked to."""
        state, config = self.state, self.config
        carry.observe_hour(state.histories.setdefault(market_id, CarryHistory()), rate, config)
        if held_market(self.desk.book, config.venue) != market_id or state.closing or state.by_hand:
            state.exit_hours = state.exit_hours if market_id != state.market else 0
            return
        model = candidates.model_for(state, config, market_id)
        assert model is not None
        staked = candidates.staking_apr(state.staking.get(state.spot_leg)) or 0.0
        model, cost = candidates.with_yield(model, staked), max(state.cost_bps, 2 * config.taker_fee_bps) / BPS
        decision = wants(Policy(config.policy), band_of(model, cost), model, in_position=True)
        state.exit_hours = state.exit_hours + 1 if decision.act is Act.LEAVE else 0
        if state.exit_hours >= config.exit_confirm_hours:
            self._leave(words.exit_signal(model, decision.why, state.exit_hours, config.horizon_hours))
            self._say(now_ns, state.closing_why)

    # What it does

    def _market(self) -> Instrument | None:
        """The market held; else the last one put forward, else the first there is."""
        instruments = self.desk.view.universe.instruments
        name = held_market(self.desk.book, self.config.venue) or self.state.market
        if name in instruments:
            return instruments[name]
        return next(iter(candidates.perp_markets(self.desk.view.universe)), None)

    def _track(self, order: Order | None) -> None:
        """Keep the saga of the hedge: begun by an order or a broken hedge, ended once the legs match."""
        state, book = self.state, self.desk.book
        if order is None and not under_way(state.saga) and not (book.perps or book.lots):
            return
        market = self._market()
        if order is not None:
            market = self.desk.view.universe.instruments.get(order.intent.position_id, market)
        if market is None:
            return
        held = read_holdings(self.desk, self.config, market)
        dust = dust_atoms(market, band_atoms(self.config, held))
        state.saga = track(state.saga, self.desk, self.config, market, held, dust, order)
        if not self.desk.orders and abs(held.delta_atoms) <= dust:
            state.matched_spot_atoms, state.matched_perp_atoms = held.spot_atoms, held.perp_atoms

    def _mend(self, terms: Terms, held: Holdings, margin: Margin | None) -> Intent | str | None:
        """The hedge's missing move: a drift goes back to the edge of the band, what a trade broke in full."""
        state, config = self.state, self.config
        hedged = held.spot_atoms > 0 > held.perp_atoms
        drifted = hedged and (held.spot_atoms, held.perp_atoms) == (state.matched_spot_atoms, state.matched_perp_atoms)
        dust, keep = dust_atoms(terms.market, band_atoms(config, held)), edge_atoms(config, held) if drifted else 0
        return mend(self.desk, config, terms, held, margin, dust, state.saga, keep)

    def _look(self, now_ns: int) -> Sequence[Intent]:
        """Compare holdings with the goal and ask for the next move, if any."""
        desk, state, config = self.desk, self.state, self.config
        market = self._market()
        if desk.orders:
            return ()
        state.next_look_ns = now_ns + config.look_every_ns
        if market is None:
            self._say(now_ns, "no perp is traded here")
            return ()
        held = read_holdings(desk, config, market)
        state.market = market.id if not held.flat else state.market
        state.spot_leg = held.spot_asset or state.spot_leg
        move = self._flat(market, held, now_ns) if held.flat else self._held(market, held, now_ns)
        if isinstance(move, str):
            if move:
                self._say(now_ns, move)
            return ()
        state.next_look_ns = now_ns + (RETRY_NS if under_way(state.saga) else config.retry_every_ns)
        self._say(now_ns, move.reason)
        return (move,)

    def _flat(self, market: Instrument, held: Holdings, now_ns: int) -> Intent | str:
        """Nothing is held: bring the margin home after a close, else put an entry forward."""
        desk, state, config = self.desk, self.state, self.config
        state.exit_hours, state.danger_px, state.by_hand = 0, {}, False
        status = desk.view.venue_status(config.venue)
        if state.closing:
            if held.withdrawable_atoms:
                return f"{config.venue} is {status}" if status in CLOSED else self._bring_home(market, held)
            state.closing, state.keep_margin = False, False
        if now_ns < state.next_proposal_ns:
            return "" if desk.entries_allowed else "flat; entries are not allowed now"
        state.next_proposal_ns = now_ns + config.propose_every_ns
        self._weigh(now_ns, candidates.survey(desk, config, state))
        if not desk.entries_allowed:
            return "flat; entries are not allowed now"
        if config.enter == "by_hand":
            return "flat; entries are by hand"
        if status is not VenueStatus.LIVE:
            state.next_proposal_ns = now_ns + config.retry_every_ns
            return f"no entry: {config.venue} is {status}"
        return self._propose(market, held, now_ns)

    def _danger(self, market: Instrument, px: int | None) -> dict[str, int]:
        """The price of a low health, for the perp and for its base: the oracle follows spot, often before the perp."""
        if px is None:
            return {}
        found = {market.id: px}
        spot = self.desk.view.universe.instruments.get(f"{market.base}/{market.quote}")
        if spot is not None:
            scale = 10 ** abs(spot.price_decimals - market.price_decimals)
            found[spot.id] = px * scale if spot.price_decimals >= market.price_decimals else px // scale
        return found

    def _propose(self, market: Instrument, held: Holdings, now_ns: int) -> Intent | str:
        """The best candidate that the policy would enter; where there is none, the best of those that cannot even earn
        their costs: the edge gate refuses it, so that the record shows by how much. One that could, and still lies
        below the policy's band, is waited for."""
        desk, state, config = self.desk, self.state, self.config
        traded = [candidate for candidate in state.candidates if candidate.traded]
        best = next((candidate for candidate in traded if candidate.enters), None)
        if best is None and held.withdrawable_atoms and not state.keep_margin:
            return self._bring_home(market, held)
        hopeless = (one for one in traded if one.cost_bps is not None and one.edge_bps <= one.cost_bps)
        best = best or next(hopeless, None)
        if best is None:
            first = state.candidates[0] if state.candidates else None
            if first is None or not first.traded:
                state.next_proposal_ns = now_ns + config.retry_every_ns
            return words.no_entry(first) if first is not None else "no entry: no perp is traded here"
        state.market, state.spot_leg, state.cost_bps = best.market, best.spot_leg, best.cost_bps or 0.0
        terms = read_terms(desk.view, best.market, best.spot_leg)
        if isinstance(terms, str):
            return terms
        entry = plan_entry(desk, config, terms, capital_now(desk, config, terms, held))
        if isinstance(entry, str):
            return f"no entry: {entry}"
        reason = words.entry(terms, entry, best, config.horizon_hours)
        return entry_intent(desk.view, config, terms, entry, best.edge_bps, reason)

    def _bring_home(self, market: Instrument, held: Holdings) -> Intent | str:
        terms = read_terms(self.desk.view, market.id, self.state.spot_leg or market.base)
        return terms if isinstance(terms, str) else withdraw(self.desk, self.config, terms, held)

    def _held(self, market: Instrument, held: Holdings, now_ns: int) -> Intent | str:
        """Something is held: leave, guard the margin, mend the hedge, move on, or hold."""
        desk, state, config = self.desk, self.state, self.config
        terms = read_terms(desk.view, market.id, held.spot_asset or state.spot_leg or market.base)
        if isinstance(terms, str):
            return terms
        status, measured = desk.view.venue_status(config.venue), read_margin(desk, config)
        margin = measured[1] if measured is not None else None
        if status in CLOSED and held.perp_atoms:
            mended = self._mend(terms, held, margin) if not state.closing else None
            return mended or f"{config.venue} is {status}: the short cannot be changed, so the spot leg stays"
        if status is VenueStatus.REDUCE_ONLY and not state.closing:
            self._leave(f"{config.venue} only lets positions be reduced")
        if state.closing:
            return close_position(desk, config, terms, held, state.closing_why)
        if measured is not None:
            state.danger_px = self._danger(market, health_price_px(*measured, market.id, config.health_floor))
            guarded = guard_health(desk, config, terms, held, measured[1])
            if guarded is not None:
                return guarded
        mended = self._mend(terms, held, margin)
        if mended is not None:
            return mended
        return self._move_on(terms, held, margin.equity_atoms if margin is not None else 0, now_ns)

    def _move_on(self, terms: Terms, held: Holdings, equity_atoms: int, now_ns: int) -> Intent | str:
        """Hold, unless another candidate earns more than both round trips; weighed as if the capital were free."""
        desk, state, config = self.desk, self.state, self.config
        model = candidates.model_for(state, config, terms.market.id)
        told = words.holding(model, config.horizon_hours, state.by_hand) if model is not None else "holding"
        if now_ns < state.candidates_ns + config.propose_every_ns:
            return told
        self._weigh(
            now_ns, candidates.survey(desk, config, state, capital_freed(desk, config, terms, held, equity_atoms))
        )
        here = (terms.market.id, terms.spot.base, "wallet")
        now = next((c for c in state.candidates if (c.market, c.spot_leg, c.collateral) == here), None)
        other = next((c for c in state.candidates if c.traded and c.enters), None)
        if now is None or now.cost_bps is None or other is None or other is now:
            return told
        beats, compared = candidates.worth_switching(now, other)
        if beats and config.enter == "auto" and not state.by_hand and desk.entries_allowed:
            self._leave(compared)
            return close_position(desk, config, terms, held, compared)
        state.preference = f"{state.preference}; {compared}"
        return told

    def _weigh(self, now_ns: int, found: list[Candidate]) -> None:
        self.state.candidates, self.state.candidates_ns = found, now_ns
        self.state.preference = candidates.preference(found, self.state.staking)

    def _leave(self, why: str) -> None:
        self.state.closing, self.state.closing_why = True, why

    def _say(self, now_ns: int, text: str) -> None:
        self.state.decision, self.state.decided_ns = text, now_ns
