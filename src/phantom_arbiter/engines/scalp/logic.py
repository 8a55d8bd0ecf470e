"""The scalp decision: signals on a tape of quotes, entries sized by the pod's budget, exits by target, stop or time.

The edge is never assumed. Every signal is followed to its end as a trial, traded or not, and a pod claims only the
mean gross return its own trials have shown, shrunk toward zero. A position is given up only by a report: an exit that
fails is tried again, wider each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any, ClassVar

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.desk import Desk, Subscriptions
from phantom_arbiter.core.events import Envelope, Quoted, TimerFired
from phantom_arbiter.core.instruments import InstrumentKind
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.scalp import orders, signals
from phantom_arbiter.engines.scalp.panel import panel
from phantom_arbiter.engines.scalp.settings import (
    DAY_NS,
    MAX_TRIALS,
    Holding,
    PodConfig,
    PodStats,
    ScalpConfig,
    ScalpState,
    Tape,
    Trial,
)


class ScalpEngine(BaseEngine):
    """Pods on fast tokens."""

    id: ClassVar[EngineId] = "scalp"
    config: ScalpConfig
    state: ScalpState

    def __init__(self, config: ScalpConfig | None = None, *, live_mode: bool = False) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or ScalpConfig()
        self.state = ScalpState()
        self._held: dict[str, list[str]] = {}
        self._tradeable: frozenset[str] = frozenset()

    def bind(self, desk: Desk) -> None:
        """Take the desk; learn what is traded here, and which positions hang on which quote."""
        super().bind(desk)
        for pod in self.config.pods:
            self.state.pods.setdefault(pod.name, PodStats())
        self._tradeable = frozenset(
            instrument.id
            for instrument in desk.view.universe.instruments.values()
            if instrument.kind is InstrumentKind.SPOT and self._wanted(instrument.base)
        )
        self._held = {}
        for position_id, holding in self.state.holdings.items():
            self._held.setdefault(holding.instrument, []).append(position_id)

    def _wanted(self, token: str) -> bool:
        return token in self.config.tokens if self.config.tokens else token not in self.config.excluded

    def subscriptions(self) -> Subscriptions:
        """Quotes of everything tradeable, and of SOL for the dollar value."""
        return Subscriptions(quotes=self._tradeable | {"SOL/USDC"})

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """Exits on every quote; indicators, trials and entries once a sample."""
        body = envelope.body
        if type(body) is not Quoted:
            return self.tick(envelope.ts_ns) if type(body) is TimerFired else ()
        instrument, now_ns = body.instrument, envelope.ts_ns
        tape, held = self.state.tapes.get(instrument), self._held.get(instrument)
        due = tape is None or now_ns >= tape.next_ns
        if not due and held is None:
            return ()
        price = log((body.bid_px + body.ask_px) / 2)
        exits = self._exits(held, price, now_ns) if held else []
        if not due:
            return exits
        sampled = self._sample(instrument, tape, price, now_ns)
        return [*exits, *sampled] if exits else sampled

    # Signals and trials

    def _sample(self, instrument: str, tape: Tape | None, price: float, now_ns: int) -> list[Intent]:
        gap_ns = self.config.stale_gap_ns
        if tape is None or now_ns - tape.next_ns > gap_ns:
            self.state.tapes[instrument] = Tape(price, 0.0, price, now_ns + self.config.sample_ns)
            self.state.trials.pop(instrument, None)
            return []
        tape.next_ns = now_ns + self.config.sample_ns
        running = self.state.trials.get(instrument)
        if running:
            self._follow_trials(running, price, now_ns)
        intents = []
        if instrument in self._tradeable:
            for pod in self.config.pods:
                if signals.fires(pod, tape, price, self.config.lookback_samples):
                    intents += self._signal(pod, instrument, price, now_ns)
        signals.observe(tape, price, self.config.lookback_samples)
        return intents

    def _follow_trials(self, running: list[Trial], price: float, now_ns: int) -> None:
        for trial in [trial for trial in running if signals.ended(trial, price, now_ns)]:
            running.remove(trial)
            gross_bps = (price - trial.entry) * 10_000
            signals.learn(self.state.pods[trial.pod], gross_bps, self.config.trial_memory)

    def _signal(self, pod: PodConfig, instrument: str, price: float, now_ns: int) -> list[Intent]:
        key = f"{pod.name}:{instrument}"
        if now_ns < self.state.signal_after_ns.get(key, 0):
            return []
        self.state.signal_after_ns[key] = now_ns + self.config.signal_gap_ns
        stats = self.state.pods[pod.name]
        stats.signals += 1
        running = self.state.trials.setdefault(instrument, [])
        if len(running) < MAX_TRIALS:
            running.append(signals.levels(pod, price, now_ns))
        if not self.desk.entries_allowed or self._blocked(pod, stats, instrument, now_ns):
            return []
        return self._enter(pod, stats, instrument, price, now_ns)

    def _blocked(self, pod: PodConfig, stats: PodStats, instrument: str, now_ns: int) -> bool:
        if stats.day != now_ns // DAY_NS:
            stats.day, stats.day_pnl_micros = now_ns // DAY_NS, 0
        token = self.desk.view.universe.instruments[instrument].base
        in_use = sum(h.cost_micros for h in self.state.holdings.values() if h.pod == pod.name)
        return (
            stats.day_pnl_micros * 10_000 < -pod.max_loss_bps * pod.budget_micros
            or in_use + pod.trade_micros > pod.budget_micros
            or any(holding.token == token for holding in self.state.holdings.values())
        )

    # Entries and exits

    def _enter(self, pod: PodConfig, stats: PodStats, instrument: str, price: float, now_ns: int) -> list[Intent]:
        position_id = f"{pod.name}-{self.state.positions + 1}"
        edge_bps = signals.expected_bps(stats, self.config)
        entry = orders.entry(self.desk, self.config, pod, instrument, position_id, edge_bps, now_ns)
        if entry is None:
            return []
        self.state.positions += 1
        trial = signals.levels(pod, price, now_ns)
        token = self.desk.view.universe.instruments[instrument].base
        self.state.holdings[position_id] = Holding(
            pod=pod.name,
            instrument=instrument,
            token=token,
            cost_micros=entry.notional_micros,
            entry=price,
            target=trial.target,
            stop=trial.stop,
            timeout_ns=trial.timeout_ns,
            opened_ns=now_ns,
        )
        self._held.setdefault(instrument, []).append(position_id)
        self.state.last = entry.reason
        return [entry]

    def _exits(self, held: list[str], price: float, now_ns: int) -> list[Intent]:
        intents = []
        for position_id in held:
            holding = self.state.holdings[position_id]
            if not holding.filled or now_ns < holding.retry_ns:
                continue
            if price >= holding.target:
                holding.why = "target"
            elif price <= holding.stop:
                holding.why = "stop"
            elif now_ns >= holding.timeout_ns:
                holding.why = "time-out"
            if holding.why:
                intents += self._leave(position_id, holding, holding.why, now_ns)
        return intents

    def _leave(self, position_id: str, holding: Holding, why: str, now_ns: int) -> list[Intent]:
        holding.retry_ns = now_ns + self.config.retry_ns
        if self._has_open_order(position_id):
            return []
        intent = orders.leave(self.desk, self.config, position_id, holding, why, now_ns)
        if intent is None:
            return []
        self.state.last = intent.reason
        return [intent]

    def _has_open_order(self, position_id: str) -> bool:
        return any(order.intent.position_id == position_id for order in self.desk.orders.values())

    def tick(self, now_ns: int) -> Sequence[Intent]:
        """Time-outs and retries where no quote comes, and entries that never became a position."""
        intents: list[Intent] = []
        self._take_stock(now_ns)
        for position_id, holding in self.state.holdings.items():
            if not holding.filled or now_ns < holding.retry_ns:
                continue
            if now_ns >= holding.timeout_ns:
                holding.why = holding.why or "time-out"
            if holding.why:
                intents += self._leave(position_id, holding, holding.why, now_ns)
        return intents

    def _take_stock(self, now_ns: int) -> None:
        """Agree with the book: a report may have come while the engine was stopped, and heard none."""
        for position_id, holding in list(self.state.holdings.items()):
            if self._has_open_order(position_id):
                continue
            if position_id in self.desk.book.lots:
                holding.filled = True
            elif holding.filled or now_ns > holding.opened_ns + self.config.intent_life_ns:
                self._forget(position_id, holding)

    def on_order(self, order: Order) -> Sequence[Intent]:
        """An entry filled or failed; an exit filled, or is to be tried again."""
        position_id = order.intent.position_id
        holding = self.state.holdings.get(position_id)
        if holding is None or order.is_open:
            return ()
        bought = position_id in self.desk.book.lots
        if order.status is OrderStatus.DONE and bought:
            holding.filled = True
            self.state.pods[holding.pod].trades += 1
        elif not bought:
            if holding.filled:
                self._book_result(holding, order)
            self._forget(position_id, holding)
        else:
            holding.exits += 1
            holding.why = holding.why or "asked to close"
            holding.retry_ns = self.desk.view.now_ns + self.config.retry_ns
        return ()

    def _book_result(self, holding: Holding, order: Order) -> None:
        instrument = self.desk.view.universe.instruments[holding.instrument]
        got = self.desk.view.usd_micros(instrument.quote, order.legs[-1].out_atoms) or 0
        stats = self.state.pods[holding.pod]
        result = got - holding.cost_micros
        stats.won += result > 0
        stats.pnl_micros += result
        stats.day_pnl_micros += result

    def _forget(self, position_id: str, holding: Holding) -> None:
        del self.state.holdings[position_id]
        left = [other for other in self._held.get(holding.instrument, []) if other != position_id]
        if left:
            self._held[holding.instrument] = left
        else:
            self._held.pop(holding.instrument, None)

    def close(self, position_id: str) -> Sequence[Intent]:
        """Leave one position or all of them now."""
        intents: list[Intent] = []
        now_ns = self.desk.view.now_ns
        self._take_stock(now_ns)
        for held_id, holding in self.state.holdings.items():
            if holding.filled and position_id in ("*", held_id):
                intents += self._leave(held_id, holding, "asked to close", now_ns)
        return intents

    def panel(self) -> dict[str, Any]:
        """Pods, holdings and the last word."""
        return panel(self.desk, self.config, self.state)
