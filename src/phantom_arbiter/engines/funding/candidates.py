"""What could be held: every perp of the venue with each way to hedge it, measured alike and set in order.

Pure reading: nothing is remembered here but what the caller stores. All rates are fractions a year unless named
otherwise; ``net`` is what a position expects over the horizon after every cost of getting in and out.

    gross = E∫funding + staking·H − borrow·H,  net = gross − round trip,  net APR = net · notional / capital, a year
"""

from __future__ import annotations

import math
from typing import Final

from msgspec.structs import replace

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import StakePoolRead
from phantom_arbiter.core.health import (
    COLLATERAL_WEIGHTS,
    Holding,
    MarginAccount,
    assess,
    liquidation_px,
    margin_account,
)
from phantom_arbiter.core.instruments import Instrument, InstrumentKind, Universe
from phantom_arbiter.core.portfolio import PerpPosition
from phantom_arbiter.core.units import (
    BPS,
    EPOCH_NS,
    HOURS_PER_YEAR,
    MICROS_PER_USD,
    NS_PER_HOUR,
    Rounding,
    power_of_ten,
)
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.funding import carry
from phantom_arbiter.engines.funding.account import Holdings
from phantom_arbiter.engines.funding.carry import CarryModel
from phantom_arbiter.engines.funding.plan import Capital, Entry, Terms, capital_now, plan_entry, read_terms
from phantom_arbiter.engines.funding.policy import Act, Policy, band_of, wants
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.funding.state import Candidate, FundingState, StakingSeen

LSTS: Final[dict[str, tuple[str, ...]]] = {"SOL": ("jitoSOL",)}
"""Liquid staking tokens that hedge a base as well as itself does."""
EPOCHS_PER_YEAR: Final = HOURS_PER_YEAR * NS_PER_HOUR / EPOCH_NS
_WALLET_ONLY: Final = "compared only: the spot leg stays in the wallet here"


def perp_markets(universe: Universe) -> list[Instrument]:
    """Every perp, in the universe's order."""
    return [market for market in universe.instruments.values() if market.kind is InstrumentKind.PERP]


def spot_legs(universe: Universe, market: Instrument) -> list[str]:
    """The tokens that a short of ``market`` can be hedged with here; none where it has no spot market."""
    tokens = (market.base, *LSTS.get(market.base, ()))
    return [token for token in tokens if f"{token}/{market.quote}" in universe.instruments]


def observe_pool(staking: dict[str, StakingSeen], pool: StakePoolRead) -> None:
    """Remember the first reading of a pool whose token can be a spot leg, and its latest one of a later epoch."""
    if not any(pool.token in tokens for tokens in LSTS.values()):
        return
    seen = staking.get(pool.token)
    reading = (pool.updated_epoch, pool.total_lamports, pool.supply_atoms)
    if seen is None:
        staking[pool.token] = StakingSeen(*reading, *reading)
    elif pool.updated_epoch > seen.epoch:
        seen.epoch, seen.lamports, seen.supply_atoms = reading


def staking_apr(seen: StakingSeen | None) -> float | None:
    """The growth of lamports per token over the epochs seen, a year of two-day epochs; None before one ended."""
    if seen is None or seen.epoch == seen.first_epoch:
        return None
    grown = seen.lamports * seen.first_supply_atoms / (seen.supply_atoms * seen.first_lamports) - 1.0
    return grown / (seen.epoch - seen.first_epoch) * EPOCHS_PER_YEAR


def with_yield(model: CarryModel, yearly: float) -> CarryModel:
    """The model of funding and a constant yield together."""
    hourly = yearly / HOURS_PER_YEAR
    return replace(model, rate=model.rate + hourly, mean=model.mean + hourly)


def candidate_yield(candidate: Candidate) -> float:
    """What a candidate earns a year beside funding: staking less borrow."""
    return candidate.staking_apr - candidate.borrow_apr


def survey(
    desk: Desk, config: FundingConfig, state: FundingState, capital: Capital | None = None, only: str = ""
) -> list[Candidate]:
    """Every candidate (of one market with ``only``), best first: what is traded before what is only compared, then by
    the dollars expected over the horizon at the size it can have.

    ``capital``: what an opening may use; without it, what is free now.
    """
    found: list[Candidate] = []
    for market in perp_markets(desk.view.universe):
        if only and market.id != only:
            continue
        legs = spot_legs(desk.view.universe, market)
        if not legs:
            found.append(_not_hedgeable(state, config, market))
        for asset in legs:
            found += _weigh(desk, config, state, market, asset, capital)
    return sorted(found, key=lambda c: (not c.traded, c.cost_bps is None, -c.net_micros, c.market, c.spot_leg))


def _not_hedgeable(state: FundingState, config: FundingConfig, market: Instrument) -> Candidate:
    why = f"{market.base} has no spot market here: it cannot be hedged"
    return replace(_told(state, config, market, market.base), why_not=why)


def _told(state: FundingState, config: FundingConfig, market: Instrument, asset: str) -> Candidate:
    """What is known of a candidate without a plan: rate, expectation, staking."""
    history, model = state.histories.get(market.id), model_for(state, config, market.id)
    expected = carry.expected_carry(model, config.horizon_hours) / config.horizon_hours if model is not None else None
    return Candidate(
        market=market.id,
        spot_leg=asset,
        collateral="wallet",
        rate_apr=carry.apr(history.rate) if history is not None and history.hours else None,
        funding_apr=carry.apr(expected) if expected is not None else None,
        staking_apr=staking_apr(state.staking.get(asset)) or 0.0 if asset != market.base else 0.0,
    )


def _weigh(
    desk: Desk, config: FundingConfig, state: FundingState, market: Instrument, asset: str, capital: Capital | None
) -> list[Candidate]:
    """A market with one spot leg, that leg in the wallet and, compared only, as collateral at the venue."""
    told = _told(state, config, market, asset)
    terms = read_terms(desk.view, market.id, asset)
    if isinstance(terms, str):
        return [replace(told, why_not=terms)]
    nothing = Holdings(0, 0, desk.book.collateral_atoms(config.venue, market.quote), 0, 0)
    entry = plan_entry(desk, config, terms, capital or capital_now(desk, config, terms, nothing))
    if isinstance(entry, str):
        return [replace(told, why_not=entry)]
    wallet = weigh_entry(desk, config, state, terms, entry)
    return [wallet] if wallet.cost_bps is None else [wallet, _at_venue(desk, config, state, terms, entry)]


def weigh_entry(desk: Desk, config: FundingConfig, state: FundingState, terms: Terms, entry: Entry) -> Candidate:
    """A planned entry with its spot leg in the wallet, measured at its size."""
    told, model = _told(state, config, terms.market, terms.spot.base), model_for(state, config, terms.market.id)
    if model is None:
        return replace(told, why_not=f"no funding rate or premium of {terms.market.id} was seen yet")
    left_out = _left_out(desk.view, config, terms.market, terms.spot.base) or _too_dear(config, terms, entry)
    margin = Holding(terms.market.quote, entry.margin_atoms, terms.market.quote_decimals, 10**6)
    liquidation = _liquidation(_account(desk, config, terms, entry, margin), terms)
    priced = _priced(told, model, entry, entry.capital_atoms, config, terms)
    return replace(priced, liq_price=liquidation, traded=not left_out, why_not=left_out)


def model_for(state: FundingState, config: FundingConfig, market_id: str) -> CarryModel | None:
    """The market's own funding; None before its first rate or premium."""
    history = state.histories.get(market_id)
    return carry.model_of(history, config) if history is not None else None


def _left_out(view: MarketView, config: FundingConfig, market: Instrument, asset: str) -> str:
    """Why this candidate is not entered: the settings, or an LST whose rate cannot be relied on; else empty."""
    pool = view.stake_pool(asset) if asset != market.base else None
    if pool is not None and pool.paused:
        return f"compared only: the stake pool of {asset} is paused"
    if pool is not None and pool.updated_epoch < pool.epoch:
        return f"compared only: {asset}'s rate is of an earlier epoch"
    if config.markets and market.id not in config.markets:
        return f"compared only: the setting markets names {', '.join(config.markets)}"
    legs = LSTS.get(market.base, ())
    barred = asset in legs if config.spot_leg == "base" else bool(legs) and asset not in legs
    if config.spot_leg != "best" and barred:
        return f"compared only: the setting spot_leg is {config.spot_leg}"
    return ""


def _too_dear(config: FundingConfig, terms: Terms, entry: Entry) -> str:
    if entry.premium_bps <= config.max_lst_premium_bps:
        return ""
    paid = f"{terms.spot.base} costs {entry.premium_bps:.1f} bps more than it redeems for"
    return f"compared only: {paid}, at most {config.max_lst_premium_bps} are paid"


def _priced(
    told: Candidate, model: CarryModel, entry: Entry, capital_atoms: int, config: FundingConfig, terms: Terms
) -> Candidate:
    """Costs, expectation and the policy's answer at the size planned."""
    extra, cost, hours = candidate_yield(told), entry.cost_fraction, config.horizon_hours
    model = with_yield(model, extra)
    gross = carry.expected_carry(model, hours)
    net_micros = round((gross - cost) * entry.notional_micros)
    capital_micros = capital_atoms * MICROS_PER_USD // power_of_ten(terms.market.quote_decimals)
    decision = wants(Policy(config.policy), band_of(model, cost), model, in_position=False)
    return replace(
        told,
        cost_bps=cost * BPS,
        net_apr=net_micros / capital_micros * HOURS_PER_YEAR / hours if capital_micros else None,
        break_even_days=carry.break_even_days(model, cost, 8_760),
        edge_bps=gross * BPS,
        net_micros=net_micros,
        cost_micros=entry.cost.total_micros,
        notional_micros=entry.notional_micros,
        enters=decision.act is Act.ENTER,
        why=decision.why,
    )


def _at_venue(desk: Desk, config: FundingConfig, state: FundingState, terms: Terms, entry: Entry) -> Candidate:
    """The same position with its spot leg deposited instead of dollars: less capital, the venue's risk on both legs.

    The short's losses would then be borrowed: √H of price moves makes the expected debt (2/3)·σ√(H/2π) of notional.
    """
    rate = desk.view.borrow_rates.get((config.venue, terms.market.quote))
    borrow = rate.rate_ppm_per_year / 1e6 if rate is not None else config.borrow_apr
    debt = 2.0 / 3.0 * config.price_stdev * math.sqrt(config.horizon_hours / HOURS_PER_YEAR / (2.0 * math.pi))
    told, model = _told(state, config, terms.market, terms.spot.base), model_for(state, config, terms.market.id)
    if model is None:
        return told
    told, asset = (
        replace(told, collateral="venue", borrow_apr=borrow * debt),
        desk.view.universe.assets[terms.spot.base],
    )
    weight = COLLATERAL_WEIGHTS.get(asset.symbol)
    if weight is None:
        return replace(told, why_not=f"the venue gives no credit for {asset.symbol} as collateral")
    priced = _priced(told, model, entry, entry.buy.in_atoms, config, terms)
    price = desk.view.usd_price(asset.symbol)
    px = round(price * 10**6) if price is not None else 0
    follows = terms.market.id if asset.symbol != terms.market.base else ""
    holding = Holding(asset.symbol, entry.buy.out_atoms, asset.decimals, px, weight, follows=follows)
    account = _account(desk, config, terms, entry, holding)
    if account is None or not px:
        return replace(priced, why_not=f"compared only: no oracle price of {terms.market.id}")
    health = assess(account).health
    return replace(priced, liq_price=_liquidation(account, terms), why_not=f"{_WALLET_ONLY}; health {health:.0f}")


def _account(desk: Desk, config: FundingConfig, terms: Terms, entry: Entry, holding: Holding) -> MarginAccount | None:
    """An account that holds ``holding`` and a fresh short; None where the oracle is missing."""
    oracle = desk.view.oracle(terms.market.id)
    if oracle is None:
        return None
    cash = terms.market.quote_atoms(entry.base_atoms, terms.perp_quote.bid_px, Rounding.DOWN)
    short = PerpPosition(terms.market.id, config.venue, -entry.base_atoms, cash)
    account = margin_account({}, (short,), {terms.market.id: oracle.px}, {}, desk.view.universe.assets)
    return None if isinstance(account, str) else replace(account, holdings=(holding,))


def _liquidation(account: MarginAccount | None, terms: Terms) -> float | None:
    px = liquidation_px(account, terms.market.id) if account is not None else None
    return terms.market.price(px) if px is not None else None


def preference(candidates: list[Candidate], seen: dict[str, StakingSeen]) -> str:
    """Which candidate the engine prefers, and against what: the other leg, the other place for it, the next market."""
    best = next((candidate for candidate in candidates if candidate.traded), None)
    if best is None:
        return "nothing can be hedged now" + (f": {candidates[0].why_not}" if candidates else "")
    verb = "prefers" if best.net_micros > 0 else "nothing pays its costs; the least bad is"
    parts = [f"{verb} {best.market} against {best.spot_leg} in the wallet: {_net(best)}"]
    others = [c for c in candidates if c.net_apr is not None and c is not best]
    leg = next((c for c in others if c.market == best.market and c.collateral == "wallet"), None)
    venue = next((c for c in others if (c.market, c.spot_leg) == (best.market, best.spot_leg)), None)
    market = next((c for c in others if c.market != best.market and c.collateral == "wallet"), None)
    if leg is not None:
        parts.append(f"against {leg.spot_leg} {_net(leg)}{_staked(leg, best, seen)}")
    if venue is not None:
        liquidated = f", liquidated at {venue.liq_price:,.4g}" if venue.liq_price is not None else ""
        here = f" instead of {best.liq_price:,.4g}" if best.liq_price is not None else ""
        parts.append(f"with {best.spot_leg} as collateral {_net(venue)}{liquidated}{here}, but it is compared only")
    if market is not None:
        parts.append(f"next market {market.market}: {_net(market)}")
    return "; ".join(parts)


def _net(candidate: Candidate) -> str:
    return (
        f"{candidate.net_micros / MICROS_PER_USD:+,.2f} USD net, {candidate.net_apr or 0.0:+.1%} a year on its capital"
    )


def _staked(leg: Candidate, best: Candidate, seen: dict[str, StakingSeen]) -> str:
    """How the staking yield was come by: measured, or zero until an epoch's growth was seen."""
    token = next((c.spot_leg for c in (leg, best) if any(c.spot_leg in tokens for tokens in LSTS.values())), "")
    if not token:
        return ""
    measured = staking_apr(seen.get(token))
    if measured is None:
        return f" (staking of {token} counts as 0 until an epoch's growth was seen)"
    epochs = seen[token].epoch - seen[token].first_epoch
    return f" (staking of {token} {measured:.1%} a year, measured over {epochs} {'epoch' if epochs == 1 else 'epochs'})"


def worth_switching(now: Candidate, other: Candidate) -> tuple[bool, str]:
    """Whether leaving ``now`` for ``other`` beats both round trips over the horizon, and the comparison in words."""
    gain = other.net_micros + other.cost_micros - now.net_micros - now.cost_micros
    costs = other.cost_micros + now.cost_micros
    words = (
        f"{other.market} against {other.spot_leg} would bring {gain / MICROS_PER_USD:+,.2f} USD more than "
        f"{now.market} against {now.spot_leg} over the horizon; both round trips cost {costs / MICROS_PER_USD:,.2f}"
    )
    return gain > costs, words
