"""LstEngine: buys a liquid staking token below what its stake pool owes, and sells it when the market pays that.

Fair value has one source, the stake pool's reading. Without one there is no purchase: not on a constant, not on the
market's own price. Everything is priced in SOL, and paid in SOL. At most one position per token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.desk import Desk, Subscriptions
from phantom_arbiter.core.events import Envelope, PoolUpdated, Quoted, StakePoolRead, TimerFired
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.units import BPS
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.lst_depeg import market
from phantom_arbiter.engines.lst_depeg.entry import plan_entry
from phantom_arbiter.engines.lst_depeg.exit import plan_exit, sell_now
from phantom_arbiter.engines.lst_depeg.fair_value import learn_growth, staleness
from phantom_arbiter.engines.lst_depeg.panel import lst_panel
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, LstState, TokenState
from phantom_arbiter.engines.sol_price import SOL_USDC, SolPrice


class LstEngine(BaseEngine):
    """Watches the configured tokens; which of them exist here is learnt from facts."""

    id: ClassVar[EngineId] = "lst"
    config: LstConfig
    state: LstState

    def __init__(self, live_mode: bool = False, config: LstConfig | None = None) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or LstConfig()
        self.state = LstState()
        self._pools: dict[str, list[str]] = {}

    def bind(self, desk: Desk) -> None:
        """Take the desk and find the pools that are known already."""
        super().bind(desk)
        self._sol = SolPrice(desk.view)
        self._pools = {}
        for envelope in desk.view.pools.values():
            if isinstance(envelope.body, PoolUpdated):
                self._pool_token(envelope.body)

    def subscriptions(self) -> Subscriptions:
        """Quotes of every token against SOL, SOL in dollars, pools and stake pools."""
        self._sol = SolPrice(self.desk.view)
        quotes = frozenset({SOL_USDC, *(f"{token}/SOL" for token in self.config.tokens)})
        return Subscriptions(quotes, (PoolUpdated, StakePoolRead))

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """A price or a rate changed: look at that token. On ticks, at all of them."""
        body = envelope.body
        if type(body) is PoolUpdated:
            return self._look(self._pool_token(body), envelope.ts_ns)
        if type(body) is Quoted:
            if body.instrument == SOL_USDC:
                self._sol.hear(body)
                return ()
            return self._look(body.instrument.removesuffix("/SOL"), envelope.ts_ns)
        if type(body) is StakePoolRead and body.token in self.config.tokens:
            learn_growth(self._token(body.token), body)
            return self._look(body.token, envelope.ts_ns)
        if type(body) is TimerFired:
            return self.tick(envelope.ts_ns)
        return ()

    def tick(self, now_ns: int) -> Sequence[Intent]:
        """Every ``look_every_ns``: what hangs on time alone (holding too long, retries, cooldowns)."""
        if now_ns < self.state.next_look_ns:
            return ()
        self.state.next_look_ns = now_ns + self.config.look_every_ns
        held = set(self.desk.book.lots)
        for token in (*sorted(held), *(token for token in self.config.tokens if token not in held)):
            intents = self._look(token, now_ns)
            if intents:
                return intents
        return ()

    def on_order(self, order: Order) -> Sequence[Intent]:
        """What became of an order is news as good as the market's: it may be followed up at the last price."""
        if not order.is_open:
            self._token(order.intent.position_id).proposed_seq = 0
        return ()

    def close(self, position_id: str) -> Sequence[Intent]:
        """Sell a token (its symbol is the position id), or all of them, at what the market pays; no new
        purchase of it for ``reentry_wait_ns``."""
        intents: list[Intent] = []
        for token in sorted(self.desk.book.lots):
            if position_id in ("*", token):
                self._token(token).closing = True
                self._token(token).next_exit_ns = self._token(token).proposed_seq = 0
                self._token(token).next_proposal_ns = self.desk.view.now_ns + self.config.reentry_wait_ns
                intents.extend(self._look(token, self.desk.view.now_ns))
        return intents

    def panel(self) -> dict[str, Any]:
        """Per token market, fair value, band and last decision; the positions. Keys: `engines.lst_depeg.panel`."""
        return lst_panel(self.desk, self.config, self.state, self._pools)

    def _token(self, token: str) -> TokenState:
        state = self.state.tokens.get(token)
        if state is None:
            state = self.state.tokens[token] = TokenState()
        return state

    def _pool_token(self, pool: PoolUpdated) -> str:
        """The configured token this pool trades against SOL, remembered; empty where it trades none."""
        token = pool.asset_0 if pool.asset_1 == "SOL" else pool.asset_1 if pool.asset_0 == "SOL" else ""
        if token not in self.config.tokens:
            return ""
        known = self._pools.setdefault(token, [])
        if pool.pool not in known:
            known.append(pool.pool)
        return token

    def _look(self, token: str, now_ns: int) -> Sequence[Intent]:
        """Hold against the goal: sell what should be sold, put a purchase forward where it may pay."""
        desk = self.desk
        instrument = desk.view.universe.instruments.get(f"{token}/SOL")
        if instrument is None or (desk.orders and any(o.intent.position_id == token for o in desk.orders.values())):
            return ()
        state = self._token(token)
        lot = desk.book.lots.get(token)
        if lot is not None and lot.atoms > 0:
            return self._held(token, instrument, state, now_ns)
        state.closing = False
        reading = desk.view.stake_pools.get(token)
        if reading is None:
            return ()
        return self._flat(token, instrument, state, reading, now_ns)

    def _held(self, token: str, instrument: Instrument, state: TokenState, now_ns: int) -> Sequence[Intent]:
        desk, config = self.desk, self.config
        state.account_open = True
        if now_ns < state.next_exit_ns:
            return ()
        lot = desk.book.lots[token]
        pools = market.pools_of(desk.view, self._pools.get(token, ()), 1)
        if market.last_word(desk.view, instrument, pools) <= state.proposed_seq:
            return ()
        move = (
            sell_now(desk, config, self._sol, instrument, pools, lot, "closing as asked")
            if state.closing
            else plan_exit(desk, config, self._sol, instrument, pools, lot, state)
        )
        if isinstance(move, str):
            _say(state, now_ns, move)
            return ()
        state.next_exit_ns = now_ns + config.retry_every_ns
        state.proposed_seq = market.last_word(desk.view, instrument, pools)
        _say(state, now_ns, move.reason)
        return (move,)

    def _flat(
        self, token: str, instrument: Instrument, state: TokenState, reading: Envelope, now_ns: int
    ) -> Sequence[Intent]:
        desk, config, pool = self.desk, self.config, reading.body
        assert isinstance(pool, StakePoolRead)
        pools = market.pools_of(desk.view, self._pools.get(token, ()), config.min_pool_lamports)
        mid = market.market_mid(desk.view, instrument, pools)
        if mid is None:
            return ()
        discount_bps = (1.0 - mid * pool.supply_atoms / pool.total_lamports) * BPS
        obstacle = staleness(reading, pool, now_ns, config) or self._unconfirmed(token, state, discount_bps, now_ns)
        if obstacle:
            _say(state, now_ns, f"no entry: {obstacle}")
            return ()
        if discount_bps < config.interest_bps or now_ns < state.next_proposal_ns or not desk.entries_allowed:
            return ()
        heard = market.last_word(desk.view, instrument, pools)
        if heard <= state.proposed_seq:
            return ()
        state.next_proposal_ns = now_ns + config.propose_every_ns
        state.proposed_seq = heard
        move = plan_entry(desk, config, self._sol, instrument, pools, reading, state)
        _say(state, now_ns, f"no entry: {move}" if isinstance(move, str) else move.reason)
        return () if isinstance(move, str) else (move,)

    def _unconfirmed(self, token: str, state: TokenState, discount_bps: float, now_ns: int) -> str:
        """A deep de-peg must be seen ``confirm_readings`` times, ``confirm_every_ns`` apart, without a break."""
        config = self.config
        if discount_bps > config.max_discount_bps:
            return f"{token} at a discount of {discount_bps / 100:.1f} % is broken, not cheap"
        if discount_bps <= config.black_swan_bps:
            state.confirmations = 0
            return ""
        if state.confirmations < config.confirm_readings and (
            not state.confirmations or now_ns - state.confirmed_ns >= config.confirm_every_ns
        ):
            state.confirmations, state.confirmed_ns = state.confirmations + 1, now_ns
        if state.confirmations < config.confirm_readings:
            return (
                f"{token} is {discount_bps:.0f} bps below fair: seen {state.confirmations} of "
                f"{config.confirm_readings} times"
            )
        return ""


def _say(state: TokenState, now_ns: int, text: str) -> None:
    state.decision, state.decided_ns = text, now_ns
