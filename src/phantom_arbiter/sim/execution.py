"""One transaction at its slot: every leg against the market as it stands then, or nothing."""

from __future__ import annotations

from msgspec import Struct, field

from phantom_arbiter.core.cycles import base_asset, is_cycle
from phantom_arbiter.core.events import AnyFact, Fee, FeeKind, LegReport, LegStatus
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, Intent, PerpOrder, Swap
from phantom_arbiter.core.leg_size import least_out_atoms
from phantom_arbiter.core.orders import Dispatch, LegPlan
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import BPS
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.fees import chain_fees, token_account
from phantom_arbiter.sim.landing import BEATEN, FAILED, REVERTED, Fate
from phantom_arbiter.sim.liquidity import Liquidity
from phantom_arbiter.sim.perp_venue import PerpAccount, PerpVenue

_PPM = 1_000_000


class Execution(Struct):
    """What a transaction did: its leg reports and chain fees, the venue facts before and after them, and how much of a
    perp order is left to try again."""

    legs: tuple[LegReport, ...]
    chain_fees: tuple[Fee, ...] = ()
    before: tuple[AnyFact, ...] = ()
    after: tuple[AnyFact, ...] = ()
    rest_atoms: int = 0


class _Draft(Struct):
    """A transaction being tried: nothing in it counts until it is committed.

    ``paid_atoms``: what the legs of a cycle paid so far and later ones have not spent, by asset; ``base`` is what a
    cycle begins and ends in, empty for everything else.
    """

    order_id: str
    intent: Intent
    now_ns: int
    alone: bool
    may_rest: bool
    accounts: dict[str, PerpAccount] = field(default_factory=dict)
    swaps: list[tuple[int, Swap, int]] = field(default_factory=list)
    reports: dict[int, LegReport] = field(default_factory=dict)
    before: list[AnyFact] = field(default_factory=list)
    after: list[AnyFact] = field(default_factory=list)
    base: str = ""
    paid_atoms: dict[str, int] = field(default_factory=dict)
    rest_atoms: int = 0


class Executor:
    """Runs transactions. ``token_accounts`` holds the accounts opened so far, as ``engine:asset``."""

    def __init__(
        self,
        universe: Universe,
        liquidity: Liquidity,
        config: DriverConfig,
        seed: int,
        venue: PerpVenue,
        token_accounts: set[str],
    ) -> None:
        self.universe = universe
        self.liquidity = liquidity
        self.config = config
        self.seed = seed
        self.venue = venue
        self.token_accounts = token_accounts

    def run(self, dispatch: Dispatch, now_ns: int, fate: Fate) -> Execution:
        """Execute at ``now_ns``. A lone perp order that does not time out may fill in part and leave a rest.

        A refusal after a perp leg filled leaves that fill's mark on the simulated market, though none on any account.
        """
        intent = dispatch.approved.intent
        plans = dispatch.plans
        alone = len(plans) == 1
        draft = _Draft(dispatch.approved.order_id, intent, now_ns, alone, alone and not fate.times_out)
        draft.base = base_asset(intent) if is_cycle(intent) else ""
        refusal = f"{FAILED}: the program, on chain" if fate.fails else self._try_all(draft, plans)
        if not refusal and draft.base:
            refusal = self._race(draft, fate.rival_ppm)
        if refusal:
            legs = tuple(LegReport(plan.leg, LegStatus.REJECTED, reason=refusal) for plan in plans)
            return Execution(legs, chain_fees(self.config, intent, succeeded=False))
        rent = self._commit(draft)
        legs = tuple(draft.reports[plan.leg] for plan in plans)
        fees = (*chain_fees(self.config, intent, succeeded=True), *rent)
        return Execution(legs, fees, tuple(draft.before), tuple(draft.after), draft.rest_atoms)

    def run_rest(self, order: PerpOrder, engine: str, base_atoms: int, now_ns: int) -> tuple[Execution, int, int, int]:
        """Try the rest of a perp order: the venue facts, then base filled, quote value and fee, all 0 if refused."""
        account = self.venue.account(engine, order.venue)
        before = self.venue.settle(account, now_ns)
        filled = self._fill(account, order, base_atoms, now_ns)
        if isinstance(filled, str):
            return Execution(()), 0, 0, 0
        base, quote, fee, after = filled
        self.venue.commit(account)
        return Execution((), before=tuple(before), after=tuple(after)), base, quote, fee.atoms

    def _try_all(self, draft: _Draft, plans: tuple[LegPlan, ...]) -> str:
        for plan in plans:
            leg = draft.intent.legs[plan.leg]
            match leg:
                case Swap():
                    refusal = self._try_swap(draft, plan, leg)
                case PerpOrder():
                    refusal = self._try_perp(draft, plan, leg)
                case CollateralTransfer():
                    refusal = self._try_transfer(draft, plan, leg)
            if refusal:
                return f"{REVERTED}: {refusal}" if draft.alone else f"{REVERTED}: leg {plan.leg}: {refusal}"
        return ""

    def _try_swap(self, draft: _Draft, plan: LegPlan, leg: Swap) -> str:
        """Exactly the planned size goes in: out of capital, or in a cycle out of what earlier legs paid."""
        from_legs = bool(draft.base) and leg.in_asset != draft.base
        held_atoms = draft.paid_atoms.get(leg.in_asset, 0)
        if from_legs and held_atoms < plan.size_atoms:
            return f"needs {plan.size_atoms} {leg.in_asset} atoms, the legs before it leave {held_atoms}"
        place = leg.pool or leg.instrument
        if any(place == (other.pool or other.instrument) for _, other, _ in draft.swaps):
            return f"{place} is used twice in one transaction"
        fill = self.liquidity.quote_swap(leg, plan.size_atoms, draft.now_ns)
        if isinstance(fill, str):
            return fill
        least_atoms = least_out_atoms(leg, plan.size_atoms)
        if fill.out_atoms < least_atoms:
            return f"output {fill.out_atoms} is below the minimum {least_atoms} {leg.out_asset} atoms"
        if from_legs:
            draft.paid_atoms[leg.in_asset] = held_atoms - plan.size_atoms
        draft.paid_atoms[leg.out_asset] = draft.paid_atoms.get(leg.out_asset, 0) + fill.out_atoms
        draft.swaps.append((plan.leg, leg, plan.size_atoms))
        return ""

    def _try_transfer(self, draft: _Draft, plan: LegPlan, leg: CollateralTransfer) -> str:
        account = self._account(draft, leg.venue)
        atoms = abs(plan.size_atoms)
        draft.reports[plan.leg] = LegReport(plan.leg, LegStatus.FILLED, atoms, atoms)
        return self.venue.transfer(account, leg, atoms)

    def _try_perp(self, draft: _Draft, plan: LegPlan, leg: PerpOrder) -> str:
        account = self._account(draft, leg.venue)
        size = self.venue.order_size(account, leg, plan.size_atoms)
        if isinstance(size, str):
            return size
        at_once = self._at_once(draft, plan.leg, leg, size) if draft.may_rest else size
        filled = self._fill(account, leg, at_once, draft.now_ns)
        if isinstance(filled, str):
            return filled
        base, quote, fee, after = filled
        draft.after += after
        left = size - base
        status = LegStatus.FILLED if left == 0 else LegStatus.EXPIRED
        if left and draft.may_rest:
            status, draft.rest_atoms = LegStatus.PARTIAL, left
        draft.reports[plan.leg] = LegReport(plan.leg, status, base, quote, (fee,) if fee.atoms else ())
        return ""

    def _fill(
        self, account: PerpAccount, leg: PerpOrder, base_atoms: int, now_ns: int
    ) -> tuple[int, int, Fee, list[AnyFact]] | str:
        size = self.venue.order_size(account, leg, base_atoms)
        if isinstance(size, str):
            return size
        filled = self.liquidity.perp(leg, size, now_ns)
        if isinstance(filled, str):
            return filled
        base, quote = filled
        if base <= 0:
            return "nobody took the other side"
        fee, after = self.venue.fill(account, leg, base, quote, now_ns)
        return base, quote, fee, after

    def _at_once(self, draft: _Draft, leg_index: int, leg: PerpOrder, size: int) -> int:
        """How much of an order fills in its first slot: all, or a part in whole steps."""
        stream = Stream(self.seed, f"partial/{draft.order_id}/{leg_index}")
        config, step = self.config, self.universe.instruments[leg.instrument].step_base_atoms
        partial = stream.chance(config.partial_ppm)
        part_ppm = config.partial_min_ppm + stream.below(config.partial_max_ppm - config.partial_min_ppm + 1)
        part = size * part_ppm // _PPM // step * step
        smallest = self.universe.instruments[leg.instrument].min_base_atoms
        return part if partial and part >= smallest and size - part >= smallest else size

    def _account(self, draft: _Draft, venue: str) -> PerpAccount:
        account = draft.accounts.get(venue)
        if account is None:
            account = draft.accounts[venue] = self.venue.account(draft.intent.engine, venue)
            draft.before += self.venue.settle(account, draft.now_ns)
        return account

    def _race(self, draft: _Draft, rival_ppm: int) -> str:
        """Why a cycle lost its gap, if it did: a rival's copy of it executed, and the market moved before ours came."""
        share_ppm = tip_share_ppm(draft.intent)
        if share_ppm >= rival_ppm:
            return ""
        for _, leg, in_atoms in draft.swaps:
            self.liquidity.swap(leg, in_atoms, draft.now_ns)
        return f"{BEATEN}: a rival bid {rival_ppm / 10_000:.1f} % of the gap, we {share_ppm / 10_000:.1f} %"

    def _commit(self, draft: _Draft) -> tuple[Fee, ...]:
        """Make it real: accounts, swaps, token accounts. Returns the rent of accounts opened."""
        for account in draft.accounts.values():
            self.venue.commit(account)
        rent_lamports = 0
        for index, leg, in_atoms in draft.swaps:
            fill = self.liquidity.swap(leg, in_atoms, draft.now_ns)
            if isinstance(fill, str):
                raise AssertionError(f"{leg.instrument}: quoted, then refused in the same instant: {fill}")
            taken = (leg.in_asset, fill.input_fee_atoms), (leg.out_asset, fill.output_fee_atoms)
            fees = tuple(Fee(FeeKind.SWAP, asset, atoms) for asset, atoms in taken if atoms)
            draft.reports[index] = LegReport(index, LegStatus.FILLED, in_atoms, fill.out_atoms, fees)
            opened = token_account(draft.intent, leg)
            if opened and opened not in self.token_accounts:
                self.token_accounts.add(opened)
                rent_lamports += self.config.token_account_lamports
        return (Fee(FeeKind.RENT, "SOL", rent_lamports),) if rent_lamports else ()


def tip_share_ppm(intent: Intent) -> int:
    """The tip as a share of what the intent expects to gain before it; all of it where nothing is to be gained: no
    rival wants that."""
    costs_micros = intent.cost.total_micros - intent.cost.tip_micros
    gain_micros = int(intent.notional_micros * intent.edge_bps / BPS) - costs_micros
    return _PPM if gain_micros <= 0 else min(_PPM, intent.cost.tip_micros * _PPM // gain_micros)
