"""Gates on what the order would do to us: price bands, edge, health, losses, concentration, token safety.

One pure function each, like `core.gates`. A price or a reading that is missing refuses.
"""

from __future__ import annotations

import msgspec

from phantom_arbiter.core.cycles import capital_atoms, expected_net_micros, is_cycle, least_atoms
from phantom_arbiter.core.events import StakePoolRead, TokenAudited
from phantom_arbiter.core.health import assess, book_account
from phantom_arbiter.core.instruments import STABLE_ASSETS
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.judgement import Judgement, measure, passed, refused
from phantom_arbiter.core.portfolio import EngineBook, PerpPosition
from phantom_arbiter.core.units import BPS, Rounding, power_of_ten
from phantom_arbiter.core.verdicts import GateResult


def oracle_confidence(j: Judgement) -> GateResult:
    """A perp order needs an oracle that is sure of itself."""
    for leg in j.intent.legs:
        if isinstance(leg, PerpOrder):
            oracle = j.situation.desk.view.oracle(leg.instrument)
            if oracle is None:
                return refused("confidence", f"no oracle price of {leg.instrument}")
            value = oracle.conf_px * BPS / oracle.px
            result = measure("confidence", value, j.limits.oracle_confidence_bps, "bps", "oracle's confidence")
            if not result.passed:
                return result
    return passed("confidence")


def price_band(j: Judgement) -> GateResult:
    """The price we expect lies near the oracle's; an LST is not bought above what its pool redeems.

    An atomic cycle buys nothing that it keeps: a pool off the market is what it lives on. What counts there is the
    most it can lose, by the least output that it accepts.
    """
    view, widest = j.situation.desk.view, passed("price_band")
    if is_cycle(j.intent):
        return _cycle_band(j)
    for leg in j.intent.legs:
        if isinstance(leg, PerpOrder):
            oracle = view.oracle(leg.instrument)
            if oracle is None:
                return refused("price_band", f"no oracle price of {leg.instrument}")
            value = abs(leg.expected_px / oracle.px - 1) * BPS
            widest = measure("price_band", value, j.limits.major_band_bps, "bps", f"{leg.instrument} off its oracle")
        elif isinstance(leg, Swap) and j.intent.purpose is Purpose.ENTRY:
            widest = _swap_band(j, leg)
        if not widest.passed:
            return widest
    return widest


def _cycle_band(j: Judgement) -> GateResult:
    value = (1 - least_atoms(j.intent) / capital_atoms(j.intent)) * BPS
    return measure("price_band", value, j.limits.major_band_bps, "bps", "the most that the cycle may lose")


def _swap_band(j: Judgement, leg: Swap) -> GateResult:
    view = j.situation.desk.view
    pool = view.stake_pool(leg.out_asset)
    if pool is not None and leg.in_asset == "SOL":
        return _lst_premium(j, leg, pool)
    paid, got = view.usd_price(leg.in_asset), view.usd_price(leg.out_asset)
    if paid is None or got is None:
        return refused("price_band", f"no price of {leg.in_asset if paid is None else leg.out_asset}")
    assets = view.universe.assets
    spent = leg.in_atoms / power_of_ten(assets[leg.in_asset].decimals) * paid
    worth = leg.expected_out_atoms / power_of_ten(assets[leg.out_asset].decimals) * got
    major = {leg.in_asset, leg.out_asset} <= STABLE_ASSETS | {"SOL"}
    limit = j.limits.major_band_bps if major else j.limits.meme_band_bps
    return measure("price_band", abs(worth / spent - 1) * BPS, limit, "bps", f"{leg.instrument} off its reference")


def _lst_premium(j: Judgement, leg: Swap, pool: StakePoolRead) -> GateResult:
    redeems = leg.expected_out_atoms * pool.total_lamports / pool.supply_atoms
    if redeems <= 0:
        return refused("price_band", f"{leg.out_asset} would redeem for nothing")
    value = (leg.in_atoms / redeems - 1) * BPS
    return measure("price_band", value, j.limits.lst_premium_bps, "bps", f"{leg.out_asset} above its redemption")


def stake_pool_fresh(j: Judgement) -> GateResult:
    """An LST is bought only on a rate of this epoch, from a pool that is not paused."""
    for leg in j.intent.legs:
        if isinstance(leg, Swap) and j.intent.engine == "lst":
            pool = j.situation.desk.view.stake_pool(leg.out_asset)
            if pool is None:
                return refused("stake_pool", f"no stake pool of {leg.out_asset} was read")
            if pool.paused:
                return refused("stake_pool", f"the stake pool of {leg.out_asset} is paused")
            if pool.updated_epoch < pool.epoch:
                message = f"{leg.out_asset}'s rate is of an earlier epoch"
                return measure("stake_pool", pool.updated_epoch, pool.epoch, "epoch", message, at_least=True)
    return passed("stake_pool")


def edge(j: Judgement) -> GateResult:
    """The expected net result after every cost, and after the chance to pay for nothing, must be positive enough."""
    intent, limits = j.intent, j.limits
    gross = intent.notional_micros * intent.edge_bps / BPS
    net = expected_net_micros(intent)
    floor = max(limits.min_net_micros, intent.notional_micros * limits.min_net_bps / BPS)
    message = f"expected net of {gross / 1e6:+.4f} gross less {intent.cost.total_micros / 1e6:.4f} of costs (USD)"
    return measure("edge", net, floor, "usd_micros", message, at_least=True)


def health(j: Judgement) -> GateResult:
    """A perp position may be opened only if the account stays well clear of liquidation."""
    lowest = passed("health")
    for leg in j.intent.legs:
        if isinstance(leg, PerpOrder) and not leg.reduce_only:
            account = book_account(_book_after(j), leg.venue, j.situation.desk.view)
            if isinstance(account, str):
                return refused("health", account)
            value = assess(account).health
            lowest = measure("health", value, j.limits.open_health, "health", "health after the trade", at_least=True)
            if not lowest.passed:
                return lowest
    return lowest


def withdrawal(j: Judgement) -> GateResult:
    """Collateral leaves a venue only if what stays keeps the account far from liquidation."""
    lowest = passed("withdrawal")
    for leg in j.intent.legs:
        if isinstance(leg, CollateralTransfer) and leg.atoms < 0:
            account = book_account(_book_after(j), leg.venue, j.situation.desk.view)
            if isinstance(account, str):
                return refused("withdrawal", account)
            value, limit = assess(account).health, j.limits.withdraw_health
            lowest = measure("withdrawal", value, limit, "health", "health after the withdrawal", at_least=True)
            if not lowest.passed:
                return lowest
    return lowest


def _book_after(j: Judgement) -> EngineBook:
    """The engine's book as it will be once every leg of the intent has filled at its expected price."""
    desk = j.situation.desk
    book = EngineBook(desk.engine, perps=dict(desk.book.perps), collateral=dict(desk.book.collateral))
    for leg in j.intent.legs:
        if isinstance(leg, CollateralTransfer):
            key = f"{leg.venue}:{leg.asset}"
            book.collateral[key] = book.collateral.get(key, 0) + leg.atoms
        elif isinstance(leg, PerpOrder):
            # A new position earns from now on: what the index gathered before is not its own.
            index_e9 = desk.view.funding_index_e9.get(leg.instrument, 0)
            held = book.perps.get(leg.instrument) or PerpPosition(leg.instrument, leg.venue, funding_index_e9=index_e9)
            sign, instrument = (1 if leg.side is Side.BUY else -1), desk.view.universe.instruments[leg.instrument]
            quote = instrument.quote_atoms(leg.base_atoms, leg.expected_px, Rounding.UP)
            book.perps[leg.instrument] = msgspec.structs.replace(
                held,
                base_atoms=held.base_atoms + sign * leg.base_atoms,
                quote_atoms=held.quote_atoms - sign * quote,
            )
    return book


def daily_loss(j: Judgement) -> GateResult:
    """After a bad day no new risk."""
    s = j.situation
    if s.equity_micros is None:
        return refused("daily_loss", "equity is not known: a price is missing")
    if s.day_start_equity_micros <= 0:
        return passed("daily_loss", "no day has begun yet")
    value = (1 - s.equity_micros / s.day_start_equity_micros) * BPS
    return measure("daily_loss", value, j.limits.daily_loss_bps, "bps", "loss since midnight (UTC)")


def drawdown(j: Judgement) -> GateResult:
    """Far below the high-water mark no new risk."""
    s = j.situation
    if s.equity_micros is None:
        return refused("drawdown", "equity is not known: a price is missing")
    if s.peak_equity_micros <= 0:
        return passed("drawdown", "no high-water mark yet")
    value = (1 - s.equity_micros / s.peak_equity_micros) * BPS
    return measure("drawdown", value, j.limits.drawdown_bps, "bps", "below the high-water mark")


def concentration(j: Judgement) -> GateResult:
    """No single asset may take more than its share of an engine's equity, with what is held of it already."""
    s = j.situation
    if s.equity_micros is None or s.equity_micros <= 0:
        return refused("concentration", "equity is not known or not positive")
    limit = s.equity_micros * j.limits.asset_share_bps / BPS
    value, last = j.intent.notional_micros, j.intent.legs[-1]
    if isinstance(last, Swap) and not is_cycle(j.intent) and last.out_asset not in STABLE_ASSETS:
        held = s.desk.view.usd_micros(last.out_asset, s.desk.deployed(last.out_asset))
        if held is None:
            return refused("concentration", f"no price of {last.out_asset}")
        value += held
    return measure("concentration", value, limit, "usd_micros", "the asset's share of equity after the trade")


def token_safety(j: Judgement) -> GateResult:
    """A token nobody vouches for is not bought: authorities, holders, liquidity, age, and a sale that works."""
    if j.intent.engine != "scalp":
        return passed("token_safety")
    for leg in j.intent.legs:
        if isinstance(leg, Swap) and leg.out_asset not in STABLE_ASSETS | {"SOL"}:
            result = _audit(j, leg.out_asset)
            if not result.passed:
                return result
    return passed("token_safety")


def _audit(j: Judgement, token: str) -> GateResult:
    audit, limits = j.situation.desk.view.audits.get(token), j.limits
    if audit is None:
        return refused("token_safety", f"{token} was never audited")
    found = audit.body
    assert isinstance(found, TokenAudited)
    if found.mint_authority or found.freeze_authority:
        return refused("token_safety", f"{token}: someone can mint or freeze it")
    if found.transfer_fee_bps:
        return refused("token_safety", f"{token} takes a fee on every transfer")
    if not found.sell_simulated:
        return refused("token_safety", f"{token}: no simulated sale went through")
    liquidity = max(limits.token_liquidity_micros, limits.token_liquidity_orders * j.intent.notional_micros)
    checks = (
        ("liquidity", found.liquidity_usd_micros, liquidity, "usd_micros", True),
        ("top holders", found.top_holders_bps, limits.token_top_holders_bps, "bps", False),
        ("holders", found.holders, limits.token_holders, "holders", True),
        ("burned LP", found.lp_burned_bps, limits.token_lp_burned_bps, "bps", True),
        ("age", found.age_ns, limits.token_age_ns, "ns", True),
    )
    for what, value, limit, unit, at_least in checks:
        result = measure("token_safety", value, limit, unit, f"{token}: {what}", at_least=at_least)
        if not result.passed:
            return result
    return passed("token_safety")
