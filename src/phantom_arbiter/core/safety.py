"""SafetyGates: the one mandatory path from a wish to an order.

The gates run in order, cheap before expensive, and stop at the first that refuses. Each is a pure function of the
intent, the situation and the limits (`core.gates`, `core.risk_gates`); missing data refuses. Entries pass all of
them. Exits and rebalances skip those that only protect against entering (`ENTRY_ONLY`), so that a halt never locks a
position in.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from phantom_arbiter.core import gates, risk_gates
from phantom_arbiter.core.intents import Intent, Purpose
from phantom_arbiter.core.judgement import Gate, Judgement, Recent
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.situation import Situation
from phantom_arbiter.core.units import NS_PER_HOUR
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused, Verdict

GATES: Final = (
    Gate("state", gates.state),
    Gate("mode", gates.mode),
    Gate("expiry", gates.expiry),
    Gate("market", gates.market),
    Gate("size", gates.size),
    Gate("duplicate", gates.duplicate),
    Gate("rate", gates.rate),
    Gate("staleness", gates.staleness),
    Gate("confidence", risk_gates.oracle_confidence),
    Gate("price_band", risk_gates.price_band),
    Gate("stake_pool", risk_gates.stake_pool_fresh),
    Gate("notional", gates.notional),
    Gate("capital", gates.capital),
    Gate("sol_reserve", gates.sol_reserve),
    Gate("slippage", gates.slippage),
    Gate("edge", risk_gates.edge),
    Gate("health", risk_gates.health),
    Gate("withdrawal", risk_gates.withdrawal),
    Gate("daily_loss", risk_gates.daily_loss),
    Gate("drawdown", risk_gates.drawdown),
    Gate("concentration", risk_gates.concentration),
    Gate("token_safety", risk_gates.token_safety),
)
"""In order. The first that refuses ends the judgement."""

ENTRY_ONLY: Final = frozenset(
    {
        "price_band",
        "stake_pool",
        "notional",
        "sol_reserve",
        "edge",
        "health",
        "daily_loss",
        "drawdown",
        "concentration",
        "token_safety",
    }
)
"""Gates that exits and rebalances skip."""

_REDUCING: Final = tuple(gate for gate in GATES if gate.name not in ENTRY_ONLY)


def gates_for(purpose: Purpose) -> tuple[Gate, ...]:
    """The gates an intent must pass."""
    return GATES if purpose is Purpose.ENTRY else _REDUCING


UNFORCEABLE: Final = frozenset({"market", "size", "capital"})
"""What follows relies on these: an order on an unknown market, of no size or without its capital cannot be booked."""

GateName = Annotated[str, Meta(min_length=1, max_length=32)]


class SafetyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The limits, and gates that a test forces open. A forced gate still measures; its result never refuses."""

    limits: Limits = field(default_factory=Limits)
    force_open: tuple[GateName, ...] = ()

    def __post_init__(self) -> None:
        known = {gate.name for gate in GATES} - UNFORCEABLE
        for name in self.force_open:
            if name not in known:
                raise ValueError(f"force_open: got {name!r}, expected one of {', '.join(sorted(known))}")


class GatesState(Struct):
    """What the gates remember: per engine, the instants of approvals, and the keys of recent orders."""

    approvals_ns: dict[str, list[int]] = field(default_factory=dict)
    recent_keys: dict[str, int] = field(default_factory=dict)


class SafetyGates:
    """Judges intents. The only maker of `Approved`."""

    def __init__(self, config: SafetyConfig | None = None) -> None:
        self.config = config or SafetyConfig()
        self._state = GatesState()

    def state(self) -> GatesState:
        """For the snapshot."""
        return self._state

    def restore(self, state: GatesState) -> None:
        """Take up where a snapshot left off."""
        self._state = state

    def judge(self, intent: Intent, order_id: str, situation: Situation) -> Verdict:
        """Every gate in order: `Approved` with all margins, or `Refused` with the first that said no."""
        now_ns = situation.desk.view.now_ns
        judgement = self._judgement(intent, situation)
        results: list[GateResult] = []
        for gate in gates_for(intent.purpose):
            result = gate.check(judgement)
            if not result.passed and gate.name not in self.config.force_open:
                return Refused(intent, result, now_ns)
            results.append(result)
        self._remember(judgement, now_ns)
        return Approved(order_id, intent, tuple(results), now_ns)

    def measure(self, intent: Intent, situation: Situation) -> tuple[tuple[GateResult, ...], GateResult | None]:
        """What every gate would say, in order, and the first that would refuse. Nothing is approved or remembered.

        Gates after a refusal of an `UNFORCEABLE` one are not measured: they rely on it.
        """
        judgement, results, refused = self._judgement(intent, situation), [], None
        for gate in gates_for(intent.purpose):
            result = gate.check(judgement)
            results.append(result)
            if not result.passed and gate.name not in self.config.force_open:
                refused = refused or result
                if gate.name in UNFORCEABLE:
                    break
        return tuple(results), refused

    def carry_on(self, order: Order, now_ns: int) -> Approved:
        """The next leg of an intent that was approved as a whole."""
        return Approved(order.id, order.intent, (), now_ns)

    def _judgement(self, intent: Intent, situation: Situation) -> Judgement:
        recent = Recent(self._state.approvals_ns.get(intent.engine, []), self._state.recent_keys)
        return Judgement(intent, situation, self.config.limits, recent)

    def _remember(self, judgement: Judgement, now_ns: int) -> None:
        approvals = self._state.approvals_ns.setdefault(judgement.intent.engine, [])
        approvals.append(now_ns)
        while approvals and approvals[0] <= now_ns - NS_PER_HOUR:
            approvals.pop(0)
        keys, life_ns = self._state.recent_keys, self.config.limits.duplicate_ns
        for key in [key for key, seen_ns in keys.items() if seen_ns <= now_ns - life_ns]:
            del keys[key]
        keys[judgement.key] = now_ns
