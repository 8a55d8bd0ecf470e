"""The paper perp venue: one account per engine, lazily settled funding, margin, interest and liquidation.

Nothing here touches a spot balance. Actions work on a copy of an account that the caller commits or drops, so a
transaction that fails changes nothing. What settles when: `sim.driver_config.DriverConfig`. Signs and rounding:
`core.perp.payment`, `core.health`; profit and loss round down, fees and interest up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from phantom_arbiter.core.events import (
    AnyFact,
    BorrowRatePosted,
    Envelope,
    Fee,
    FeeKind,
    FundingPosted,
    FundingSettled,
    Liquidated,
    OraclePosted,
    PnlSettled,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.health import Margin, assess, margin_account
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Side
from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.portfolio import PerpPosition
from phantom_arbiter.core.units import NS_PER_SECOND, Rounding, mul_div
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.fees import share_up

_YEAR_NS: Final = 31_536_000 * NS_PER_SECOND
"""Drift's ONE_YEAR."""
_CLOSED: Final = frozenset({VenueStatus.PAUSED, VenueStatus.ABSENT})
HEARD: Final[frozenset[type[AnyFact]]] = frozenset({OraclePosted, FundingPosted, BorrowRatePosted, VenueStatusChanged})
"""The market facts that matter to a perp venue: a small part of all."""


class PerpAccount(Struct):
    """What an engine has at a venue. Collateral in atoms by asset, negative where it owes."""

    engine: str
    venue: str
    collateral: dict[str, int] = field(default_factory=dict)
    positions: dict[str, PerpPosition] = field(default_factory=dict)
    settled_ns: dict[str, int] = field(default_factory=dict)
    charged_ns: int = 0
    last_instrument: str = ""

    def copy(self) -> PerpAccount:
        """An independent copy."""
        return replace(
            self,
            collateral=dict(self.collateral),
            positions={name: replace(position) for name, position in self.positions.items()},
            settled_ns=dict(self.settled_ns),
        )

    def base_atoms(self, instrument: str) -> int:
        """The signed position, 0 where there is none."""
        position = self.positions.get(instrument)
        return position.base_atoms if position is not None else 0

    def credit(self, asset: str, atoms: int) -> None:
        """Add signed atoms to the collateral."""
        self.collateral[asset] = self.collateral.get(asset, 0) + atoms


class PerpVenueState(Struct):
    """All accounts by ``engine@venue``, and the market facts that margin and funding need."""

    accounts: dict[str, PerpAccount] = field(default_factory=dict)
    oracle_px: dict[str, int] = field(default_factory=dict)
    funding_index_e9: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, VenueStatus] = field(default_factory=dict)
    borrow_ppm: dict[str, int] = field(default_factory=dict)

    def copy(self) -> PerpVenueState:
        """An independent copy."""
        return PerpVenueState(
            {key: account.copy() for key, account in self.accounts.items()},
            dict(self.oracle_px),
            dict(self.funding_index_e9),
            dict(self.statuses),
            dict(self.borrow_ppm),
        )


class PerpVenue:
    """The rules over the state. Methods that refuse return the reason as a string."""

    def __init__(self, universe: Universe, config: DriverConfig, state: PerpVenueState) -> None:
        self.universe = universe
        self.config = config
        self.state = state

    def account(self, engine: str, venue: str) -> PerpAccount:
        """A copy of the account to work on; empty where there is none yet."""
        known = self.state.accounts.get(f"{engine}@{venue}")
        return known.copy() if known is not None else PerpAccount(engine, venue)

    def commit(self, account: PerpAccount) -> None:
        """Make a worked-on copy the account."""
        self.state.accounts[f"{account.engine}@{account.venue}"] = account

    def margin(self, account: PerpAccount) -> Margin | str:
        """The account measured at the last oracle prices, unsettled funding included."""
        state, positions = self.state, account.positions.values()
        measured = margin_account(
            account.collateral, positions, state.oracle_px, state.funding_index_e9, self.universe.assets
        )
        return measured if isinstance(measured, str) else assess(measured)

    # Actions, each after `settle`

    def settle(self, account: PerpAccount, now_ns: int) -> list[AnyFact]:
        """Charge interest, then settle funding on every position: what any action on the account begins with."""
        facts = self._charge_interest(account, now_ns)
        for instrument in sorted(account.positions):
            facts += self._settle_funding(account, instrument, now_ns)
        return facts

    def transfer(self, account: PerpAccount, leg: CollateralTransfer, atoms: int) -> str:
        """Move ``atoms`` (unsigned) in or, where the leg's are negative, out. Empty when done, else why not."""
        status = self.state.statuses.get(leg.venue, VenueStatus.ABSENT)
        if status in _CLOSED:
            return f"venue {leg.venue} is {status.value}"
        if leg.atoms >= 0:
            account.credit(leg.asset, atoms)
            return ""
        held = account.collateral.get(leg.asset, 0)
        if atoms > held:
            return f"withdrawal of {atoms} {leg.asset} atoms, the account holds {held}"
        account.credit(leg.asset, -atoms)
        margin = self.margin(account)
        if isinstance(margin, str):
            return margin
        floor = self.config.withdrawal_min_health
        return (
            "" if margin.health >= floor else f"withdrawal would leave health {margin.health}, at least {floor} needed"
        )

    def order_size(self, account: PerpAccount, leg: PerpOrder, base_atoms: int) -> int | str:
        """The size that may be filled: clamped by reduce-only, cut to the market's step, backed by initial margin."""
        status = self.state.statuses.get(leg.venue, VenueStatus.ABSENT)
        if status in _CLOSED:
            return f"venue {leg.venue} is {status.value}"
        instrument = self.universe.instruments[leg.instrument]
        held = account.base_atoms(leg.instrument)
        reducible = abs(held) if (held > 0) == (leg.side is Side.SELL) else 0
        if leg.reduce_only:
            base_atoms = min(base_atoms, reducible)
        if base_atoms != reducible:
            base_atoms -= base_atoms % instrument.step_base_atoms
        if base_atoms <= 0:
            return "reduce only: there is nothing to reduce" if leg.reduce_only else "the order is below the step size"
        if base_atoms <= reducible:
            return base_atoms
        if status is VenueStatus.REDUCE_ONLY:
            return f"venue {leg.venue} only takes orders that reduce a position"
        if base_atoms < instrument.min_base_atoms:
            return f"size {base_atoms} is below the smallest order of {instrument.min_base_atoms} base atoms"
        return self._backed(account, leg, base_atoms) or base_atoms

    def _backed(self, account: PerpAccount, leg: PerpOrder, base_atoms: int) -> str:
        px = self.state.oracle_px.get(leg.instrument)
        if px is None:
            return f"no oracle price for {leg.instrument}"
        after = account.copy()
        quote_atoms = self.universe.instruments[leg.instrument].quote_atoms(base_atoms, px, Rounding.UP)
        self.fill(after, leg, base_atoms, quote_atoms, 0)
        margin = self.margin(after)
        if isinstance(margin, str):
            return margin
        if margin.initial_collateral_atoms >= margin.initial_atoms:
            return ""
        return f"initial margin: {margin.initial_atoms} needed, {margin.initial_collateral_atoms} quote atoms there"

    def fill(
        self, account: PerpAccount, leg: PerpOrder, base_atoms: int, quote_atoms: int, now_ns: int
    ) -> tuple[Fee, list[AnyFact]]:
        """Book a fill (both amounts unsigned): the taker fee, and `PnlSettled` for the part that reduced."""
        signed = base_atoms if leg.side is Side.BUY else -base_atoms
        cash_atoms = -quote_atoms if leg.side is Side.BUY else quote_atoms
        asset = self.universe.instruments[leg.instrument].quote
        fee = Fee(FeeKind.PERP, asset, share_up(quote_atoms, self.config.taker_fee_ppm))
        account.credit(asset, -fee.atoms)
        position = account.positions.get(leg.instrument)
        if position is None:
            index_e9 = self.state.funding_index_e9.get(leg.instrument, 0)
            position = PerpPosition(leg.instrument, leg.venue, funding_index_e9=index_e9)
            account.positions[leg.instrument] = position
            account.settled_ns[leg.instrument] = now_ns
        account.last_instrument = leg.instrument
        return fee, self._book(account, position, asset, signed, cash_atoms)

    def _book(
        self, account: PerpAccount, position: PerpPosition, asset: str, base_atoms: int, cash_atoms: int
    ) -> list[AnyFact]:
        held = position.base_atoms
        reduces = held != 0 and (held > 0) != (base_atoms > 0)
        profit_atoms = realised_atoms(position, base_atoms, cash_atoms) if reduces else 0
        position.base_atoms += base_atoms
        position.quote_atoms += cash_atoms - profit_atoms
        account.credit(asset, profit_atoms)
        if position.base_atoms == 0:
            del account.positions[position.instrument]
            del account.settled_ns[position.instrument]
        return [PnlSettled(account.engine, position.instrument, asset, profit_atoms)] if reduces else []

    # What the market does to the accounts

    def observe(self, envelope: Envelope) -> list[AnyFact]:
        """Take in a market fact; returns the settlements and liquidations it brings about."""
        body = envelope.body
        match body:
            case OraclePosted():
                self.state.oracle_px[body.instrument] = body.px
                return self._watch(body.instrument, envelope.ts_ns)
            case FundingPosted():
                index_e9 = self.state.funding_index_e9.get(body.instrument, 0)
                self.state.funding_index_e9[body.instrument] = index_e9 + body.rate_e9
                return self._settle_due(body.instrument, envelope.ts_ns)
            case BorrowRatePosted():
                self.state.borrow_ppm[f"{body.venue}:{body.asset}"] = body.rate_ppm_per_year
            case VenueStatusChanged():
                self.state.statuses[body.venue] = body.status
            case _:
                pass
        return []

    def _holders(self, instrument: str) -> Iterable[PerpAccount]:
        return [account for account in self.state.accounts.values() if instrument in account.positions]

    def _settle_due(self, instrument: str, now_ns: int) -> list[AnyFact]:
        facts: list[AnyFact] = []
        for account in self._holders(instrument):
            position = account.positions[instrument]
            index_e9 = self.state.funding_index_e9[instrument]
            gathered = funding_payment_atoms(position.base_atoms, position.funding_index_e9, index_e9)
            waited_ns = now_ns - account.settled_ns[instrument]
            if abs(gathered) >= self.config.settle_min_atoms or waited_ns >= self.config.settle_max_ns:
                facts += self._charge_interest(account, now_ns)
                facts += self._settle_funding(account, instrument, now_ns)
        return facts

    def _watch(self, instrument: str, now_ns: int) -> list[AnyFact]:
        facts: list[AnyFact] = []
        for account in self.state.accounts.values():
            if (
                min(account.collateral.values(), default=0) < 0
                and now_ns - account.charged_ns >= self.config.interest_ns
            ):
                facts += self._charge_interest(account, now_ns)
            if instrument in account.positions:
                margin = self.margin(account)
                if not isinstance(margin, str) and margin.liquidatable:
                    facts += self._liquidate(account, now_ns)
        return facts

    def _settle_funding(self, account: PerpAccount, instrument: str, now_ns: int) -> list[AnyFact]:
        position = account.positions[instrument]
        from_e9, to_e9 = position.funding_index_e9, self.state.funding_index_e9.get(instrument, 0)
        account.settled_ns[instrument] = now_ns
        if from_e9 == to_e9:
            return []
        payment = funding_payment_atoms(position.base_atoms, from_e9, to_e9)
        asset = self.universe.instruments[instrument].quote
        position.funding_index_e9 = to_e9
        position.funding_received_atoms += payment
        account.credit(asset, payment)
        return [FundingSettled(account.engine, instrument, asset, payment, position.base_atoms, from_e9, to_e9)]

    def _charge_interest(self, account: PerpAccount, now_ns: int) -> list[AnyFact]:
        facts: list[AnyFact] = []
        elapsed_ns, account.charged_ns = now_ns - account.charged_ns, now_ns
        for asset, atoms in sorted(account.collateral.items()):
            if atoms < 0 and elapsed_ns > 0:
                rate_ppm = self.state.borrow_ppm.get(f"{account.venue}:{asset}", self.config.borrow_ppm_per_year)
                charge = mul_div(-atoms * rate_ppm, elapsed_ns, 1_000_000 * _YEAR_NS, Rounding.UP)
                account.credit(asset, -charge)
                facts.append(PnlSettled(account.engine, account.last_instrument, asset, -charge, FeeKind.BORROW))
        return facts

    def _liquidate(self, account: PerpAccount, now_ns: int) -> list[AnyFact]:
        """Close positions at the oracle, largest requirement first, until the rest is covered."""
        facts = self.settle(account, now_ns)
        px = self.state.oracle_px
        by_size = sorted(
            account.positions.values(), key=lambda p: (-abs(p.base_atoms) * px[p.instrument], p.instrument)
        )
        for position in by_size:
            margin = self.margin(account)
            if isinstance(margin, str) or not margin.liquidatable:
                break
            facts += self._close_by_force(account, position)
        return facts

    def _close_by_force(self, account: PerpAccount, position: PerpPosition) -> list[AnyFact]:
        """The fee, then the price, yield where the account could not pay: the insurance fund bears what is beyond."""
        instrument = self.universe.instruments[position.instrument]
        asset, sold = instrument.quote, position.base_atoms > 0
        rounding = Rounding.DOWN if sold else Rounding.UP
        size = abs(position.base_atoms)
        quote_atoms = instrument.quote_atoms(size, self.state.oracle_px[position.instrument], rounding)
        fee_atoms = share_up(quote_atoms, self.config.liquidation_fee_ppm)
        proceeds = quote_atoms if sold else -quote_atoms
        left = account.collateral.get(asset, 0) + position.quote_atoms + proceeds - fee_atoms
        backed_otherwise = len(account.positions) > 1 or any(
            atoms > 0 for a, atoms in account.collateral.items() if a != asset
        )
        if left < 0 and not backed_otherwise:
            waived = min(fee_atoms, -left)
            fee_atoms -= waived
            proceeds += -left - waived
        account.credit(asset, -fee_atoms)
        closed = Liquidated(account.engine, position.instrument, size, abs(proceeds), fee_atoms)
        return [closed, *self._book(account, position, asset, -position.base_atoms, proceeds)]


def realised_atoms(position: PerpPosition, base_atoms: int, cash_atoms: int) -> int:
    """Profit or loss, rounded down, of a fill that reduces a position: its cash and the entry value it releases, both
    in proportion to the part that closes (a fill may be larger than the position and turn it)."""
    closing = min(abs(position.base_atoms), abs(base_atoms))
    released = mul_div(position.quote_atoms, closing, abs(position.base_atoms), Rounding.DOWN)
    return released + mul_div(cash_atoms, closing, abs(base_atoms), Rounding.DOWN)
