"""One policy over posted hours: what it did, and what it came to by cause. Pure.

Rules, the same for every policy:

* The short has a constant base, what ``notional_usd`` buys at the first hour's oracle TWAP; the spot leg is as much SOL
  (or the asset), so that price moves cancel. Funding of an hour is notional at the oracle TWAP times the rate.
* No look-ahead. A decision at hour t knows the hours posted up to t; it is filled during the hour that follows, at the
  TWAPs posted at t+1, and earns, or no longer earns, from t+1 on. The last hour decides nothing: what is held is closed
  at its TWAPs, and pays for that.
* The spot leg is filled at the oracle TWAP, the perp at the worse of mark and oracle TWAP: a premium against us is the
  cause ``basis``, one in our favour is no profit, as a TWAP is no quote; it is told as ``basis_not_counted``.
* Funding is settled every hour in whole millionths of a dollar, rounded as the program does (`funding_payment_atoms`).
* Staking is valued at the oracle TWAP when it accrues and set aside: it is not compounded, so the hedge stays whole.
* The margin is ``margin_bps`` of the notional at entry. What the short has lost beyond it is borrowed at the venue's
  USDC rate until the position is closed: the cause ``borrow``. Idle margin earns nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import BPS, MICROS_PER_USD, NS_PER_HOUR
from phantom_arbiter.engines.funding.carry import (
    CarryHistory,
    CarryModel,
    CarrySettings,
    model_of,
    observe_hour,
    rate_of,
)
from phantom_arbiter.engines.funding.policy import Act, Band, Decision, Policy, band_of, wants
from phantom_arbiter.research.carry_rows import CarryRows

Progress = Callable[[str, int, int], None]
"""Told what is at work, how many of the steps are done, and how many there are."""
CAUSES: Final = ("funding", "staking", "borrow", "perp_fees", "swap_fees", "slippage", "basis")
_BASE_SCALE: Final = 10**9
_PRICE_SCALE: Final = 10**6
_TELL_EVERY: Final = 50


class Spot(StrEnum):
    """What the long leg is: SOL, jitoSOL, or the perp's own asset."""

    SOL = "sol"
    JITOSOL = "jitosol"
    NATIVE = "native"


class CarryCosts(Struct, frozen=True):
    """Costs of one fill each, in bps of its value; ``lst_exit_bps`` only when jitoSOL is sold.

    The taker fee is the first tier of the venue; swap and slippage are assumed, so that a round trip is 19 bps with SOL
    and 29 bps with jitoSOL.
    """

    perp_taker_bps: float = 3.5
    spot_swap_bps: float = 4.0
    slippage_bps: float = 1.0
    lst_exit_bps: float = 10.0

    def round_trip(self, spot: Spot) -> float:
        """In and out, both legs, as a fraction of the notional."""
        exit_bps = self.lst_exit_bps if spot is Spot.JITOSOL else 0.0
        return (2 * (self.perp_taker_bps + self.spot_swap_bps + 2 * self.slippage_bps) + exit_bps) / BPS


class CarryTerms(Struct, frozen=True):
    """What every policy is given alike."""

    spot: Spot
    notional_usd: float = 10_000.0
    margin_bps: int = 5_000
    costs: CarryCosts = field(default_factory=CarryCosts)


class Acted(Struct, frozen=True):
    """A decision to enter or leave, when it was taken, with its numbers. Rates are fractions an hour; ``cost``: of the
    round trip, a fraction; ``enter``, ``leave``: the band, None for never and for policies that have none."""

    ts_ns: int
    act: str
    why: str
    rate: float
    mean: float
    enter: float | None
    leave: float | None
    cost: float


class PolicyRun(Struct, frozen=True):
    """``curves[cause][i]``: the running total in USD after hour i; ``spans``: (first, last) hour earned, as indices."""

    policy: Policy
    curves: dict[str, list[float]]
    spans: list[tuple[int, int]]
    acted: list[Acted]
    hours_in: int
    basis_not_counted: float

    def total(self, index: int = -1) -> float:
        """All causes together after that hour, USD."""
        return sum(self.curves[cause][index] for cause in CAUSES)


class _Book(Struct):
    """What is held and what it came to so far; USD."""

    base_atoms: int
    terms: CarryTerms
    held: bool = False
    perp_px: float = 0.0
    funding_micros: int = 0
    basis_not_counted: float = 0.0
    causes: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0.0))

    @property
    def base(self) -> float:
        return self.base_atoms / _BASE_SCALE

    def fill(self, hour: FundingHour) -> None:
        """Turn from out to in, or back, at the hour's TWAPs."""
        mark, oracle = hour.mark_twap_px / _PRICE_SCALE, hour.oracle_twap_px / _PRICE_SCALE
        costs = self.terms.costs
        exits_lst = self.held and self.terms.spot is Spot.JITOSOL
        swap_bps = costs.spot_swap_bps + (costs.lst_exit_bps if exits_lst else 0.0)
        gain = self.base * (oracle - mark if self.held else mark - oracle)
        self.perp_px = max(mark, oracle) if self.held else min(mark, oracle)
        self.basis_not_counted += max(0.0, gain)
        self.causes["basis"] += min(0.0, gain)
        self.causes["perp_fees"] -= self.base * self.perp_px * costs.perp_taker_bps / BPS
        self.causes["swap_fees"] -= self.base * oracle * swap_bps / BPS
        self.causes["slippage"] -= self.base * (self.perp_px + oracle) * costs.slippage_bps / BPS
        self.held = not self.held

    def earn(self, hour: FundingHour, hours: float, staking: float, borrow: float) -> None:
        """One posted hour while in; ``staking`` and ``borrow`` are the hourly rates known when it began."""
        oracle = hour.oracle_twap_px / _PRICE_SCALE
        self.funding_micros += funding_payment_atoms(-self.base_atoms, 0, hour.rate_e9)
        self.causes["funding"] = self.funding_micros / MICROS_PER_USD
        self.causes["staking"] += self.base * oracle * math.expm1(staking * hours)
        lacking = self.base * (oracle - self.perp_px) - self.base * self.perp_px * self.terms.margin_bps / BPS
        self.causes["borrow"] -= max(0.0, lacking) * borrow * hours


def base_atoms(rows: CarryRows, notional_usd: float) -> int:
    """The base of the short at 1e9: the notional at the first hour's oracle TWAP, rounded down."""
    return round(notional_usd * MICROS_PER_USD) * _BASE_SCALE // rows.hours[0].oracle_twap_px


def bands_of(
    rows: CarryRows, terms: CarryTerms, settings: CarrySettings, progress: Progress
) -> list[tuple[CarryModel, Band]]:
    """The model and its band after each hour; each knows the hours up to its own. A yield lowers the hurdle."""
    history, cost, known = CarryHistory(), terms.costs.round_trip(terms.spot), []
    for index, (hour, staking) in enumerate(zip(rows.hours, rows.staking, strict=True)):
        if index % _TELL_EVERY == 0:
            progress("bands", index, len(rows.hours))
        observe_hour(history, rate_of(hour.rate_e9, hour.oracle_twap_px), settings)
        model = model_of(history, settings)
        assert model is not None, "an hour was observed"
        known.append((model, band_of(model, cost, -staking)))
    progress("bands", len(rows.hours), len(rows.hours))
    return known


def run_policy(policy: Policy, rows: CarryRows, terms: CarryTerms, known: list[tuple[CarryModel, Band]]) -> PolicyRun:
    """Go through the hours; ``known`` as `bands_of` gives it."""
    book = _Book(base_atoms(rows, terms.notional_usd), terms)
    curves: dict[str, list[float]] = {cause: [] for cause in CAUSES}
    spans: list[tuple[int, int]] = []
    acted: list[Acted] = []
    cost, hours_in, turn, last = terms.costs.round_trip(terms.spot), 0, False, len(rows.hours) - 1
    for index, hour in enumerate(rows.hours):
        if turn:
            book.fill(hour)
        if book.held:
            hours_in += 1
            span = (hour.ts_ns - rows.hours[index - 1].ts_ns) / NS_PER_HOUR
            book.earn(hour, span, rows.staking[index - 1], rows.borrow[index - 1])
            _extend(spans, index, fresh=turn)
        if index == last:
            turn = False
            if book.held:
                book.fill(hour)
        else:
            decision = wants(policy, known[index][1], known[index][0], book.held)
            turn = decision.act is not Act.STAY
            if turn:
                acted.append(_acted(policy, hour, decision, cost))
        for cause in CAUSES:
            curves[cause].append(book.causes[cause])
    return PolicyRun(policy, curves, spans, acted, hours_in, book.basis_not_counted)


def _extend(spans: list[tuple[int, int]], index: int, *, fresh: bool) -> None:
    if fresh:
        spans.append((index, index))
    else:
        spans[-1] = (spans[-1][0], index)


def _acted(policy: Policy, hour: FundingHour, decision: Decision, cost: float) -> Acted:
    enter, leave = (
        value if policy is Policy.HYSTERESIS and math.isfinite(value) else None
        for value in (decision.enter, decision.leave)
    )
    return Acted(hour.ts_ns, decision.act.value, decision.why, decision.rate, decision.mean, enter, leave, cost)
