"""A minute of everything that happens whatever we do: fair prices, premiums, oracle posts, noise trades, fees."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.sim.market.exact_book import FLOW as EXACT_FLOW
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS
from phantom_arbiter.sim.market.memecoins import first_trends, rug_seconds, trend_block
from phantom_arbiter.sim.market.perps import PremiumState, first_premiums, premium_block
from phantom_arbiter.sim.market.pools import ATOM_SCALES, DECIMALS, Trade, trade_block
from phantom_arbiter.sim.market.prices import PriceState, add_shock, first_prices, price_block
from phantom_arbiter.sim.market.scenarios import Scenario
from phantom_arbiter.sim.market.stake_pools import (
    DiscountState,
    discount_block,
    fair_log_rates,
    first_discounts,
    first_rates,
    grow,
    is_cranked,
)
from phantom_arbiter.sim.market.streams import BLOCK_SLOTS, SLOT_SECONDS, FloatArray, generator
from phantom_arbiter.sim.market.universe import LST_INDEX, PERPS, POOLS, TOKEN_INDEX, TOKENS

FEES_EVERY_SLOTS: Final = 25
MEDIAN_PRIORITY_MICRO_LAMPORTS: Final = 10_000
MEDIAN_TIP_LAMPORTS: Final = 5_000

_ROWS: Final = {
    **TOKEN_INDEX,
    **{symbol: len(TOKENS) + index for symbol, index in LST_INDEX.items()},
    **{"USDC": len(TOKENS) + len(LST_INDEX), "USDT": len(TOKENS) + len(LST_INDEX)},
}
"""Rows of the dollar prices: tokens, liquid staking tokens, and one of ones for the stables."""
_BASE_ROWS: Final = np.array([_ROWS[pool.base] for pool in POOLS])
_QUOTE_ROWS: Final = np.array([_ROWS[pool.quote] for pool in POOLS])
_PERP_ROWS: Final = np.array([spec.token for spec in PERPS])
_LOG_SCALES: Final = np.log(ATOM_SCALES)
_EXACT_ROWS_0: Final = np.array([_ROWS[pool.asset_0] for pool in EXACT_POOLS])
_EXACT_ROWS_1: Final = np.array([_ROWS[pool.asset_1] for pool in EXACT_POOLS])
_EXACT_LOG_SCALES: Final = np.log(
    [10.0 ** (DECIMALS[pool.asset_1] - DECIMALS[pool.asset_0]) for pool in EXACT_POOLS],
)


class Carry(Struct):
    """What the outside world carries from one block to the next."""

    prices: PriceState
    discounts: DiscountState
    premiums: PremiumState
    trends: list[float]
    rates_e9: list[int]
    posts: list[tuple[int, float]]
    """Per perp: the slot and the log price of the oracle's last post."""

    @staticmethod
    def first(slot: int) -> Carry:
        """The world at the start."""
        prices = first_prices()
        posts = [(slot, prices.log_prices[spec.token]) for spec in PERPS]
        return Carry(prices, first_discounts(), first_premiums(), first_trends(), first_rates(), posts)


class Block(Struct):
    """A minute, by slot. Prices in quote atoms per base atom (pools) and dollars (perps, assets)."""

    first_slot: int
    fair: list[list[float]]
    """[slot][pool]"""
    exact_fair: list[list[float]]
    """[slot][exact pool], token-1 atoms per token-0 atom"""
    oracle_usd: list[list[float]]
    """[perp][slot]"""
    premium_bps: list[list[float]]
    """[perp][slot]"""
    posts: list[list[int]]
    """[slot]: perps whose oracle posts"""
    trades: list[list[Trade]]
    """[slot]"""
    exact_trades: list[list[Trade]]
    """[slot], of the exact pools"""
    fees: list[FeesPosted]
    """One for each `FEES_EVERY_SLOTS`."""
    rates_e9: list[int]
    interest: list[float]
    volatility: float
    usd: dict[str, float]
    """Dollars per whole unit of each asset at the first slot."""
    after: Carry


def make_block(seed: int, scenario: Scenario, carry: Carry, number: int, start_slot: int) -> Block:
    """Block ``number`` (absolute: slots from ``number * BLOCK_SLOTS``) of a run that began in ``start_slot``."""
    first_slot = number * BLOCK_SLOTS
    seconds: FloatArray = (np.arange(BLOCK_SLOTS, dtype=np.float64) + (first_slot - start_slot)) * SLOT_SECONDS
    trends, next_trends = trend_block(carry.trends, scenario, generator(seed, "trends", number))
    paths, prices = price_block(carry.prices, scenario, trends, generator(seed, "prices", number))
    paths = add_shock(paths, scenario, seconds)
    discounts, next_discounts = discount_block(
        carry.discounts, scenario, seed, seconds, generator(seed, "discounts", number)
    )
    rates = _rates_of(carry.rates_e9, scenario, first_slot, start_slot)
    lst = paths[TOKEN_INDEX["SOL"]] + fair_log_rates(discounts, rates)
    logs = np.vstack([paths, lst, np.zeros((1, BLOCK_SLOTS))])
    premiums, next_premiums = premium_block(carry.premiums, scenario, seconds, generator(seed, "perps", number))
    posts, last_posts = _oracle_posts(logs[_PERP_ROWS], carry.posts, first_slot)
    volatility = scenario.volatility * carry.prices.volatility()
    gone = {symbol for symbol, at in rug_seconds(seed, scenario).items() if at <= seconds[0]}
    intensity = min(2.0, max(0.5, volatility))
    trades = trade_block(generator(seed, "flow", number), intensity)
    exact_trades = trade_block(generator(seed, "exact flow", number), intensity, EXACT_FLOW)
    return Block(
        first_slot=first_slot,
        fair=np.exp(logs[_BASE_ROWS] - logs[_QUOTE_ROWS] + _LOG_SCALES[:, None]).T.tolist(),
        exact_fair=np.exp(logs[_EXACT_ROWS_0] - logs[_EXACT_ROWS_1] + _EXACT_LOG_SCALES[:, None]).T.tolist(),
        oracle_usd=np.exp(logs[_PERP_ROWS]).tolist(),
        premium_bps=premiums.tolist(),
        posts=posts,
        trades=[[trade for trade in row if POOLS[trade[0]].base not in gone] for row in trades] if gone else trades,
        exact_trades=[[trade for trade in row if EXACT_POOLS[trade[0]].asset_0 not in gone] for row in exact_trades],
        fees=_fees(generator(seed, "fees", number), volatility),
        rates_e9=rates,
        interest=next_premiums.interest,
        volatility=volatility,
        usd=dict(zip(_ROWS, np.exp(logs[list(_ROWS.values()), 0]).tolist(), strict=True)),
        after=Carry(prices, next_discounts, next_premiums, next_trends, rates, last_posts),
    )


def _rates_of(rates_e9: list[int], scenario: Scenario, first_slot: int, start_slot: int) -> list[int]:
    """The redemption rates of a block: grown where the pools are cranked at its start."""
    cranked_now = is_cranked(first_slot, start_slot) and not is_cranked(first_slot - BLOCK_SLOTS, start_slot)
    return grow(rates_e9, scenario) if cranked_now and first_slot > start_slot else rates_e9


def _oracle_posts(
    logs: FloatArray, last: list[tuple[int, float]], first_slot: int
) -> tuple[list[list[int]], list[tuple[int, float]]]:
    """Which oracles post in each slot: after a move, or when the longest gap is over."""
    posts: list[list[int]] = [[] for _ in range(BLOCK_SLOTS)]
    after = list(last)
    for index, (spec, path) in enumerate(zip(PERPS, logs.tolist(), strict=True)):
        shortest, longest = spec.oracle_gap_slots
        threshold = spec.oracle_move_bps * 1e-4
        slot, price = after[index]
        for at, now in enumerate(path):
            waited = first_slot + at - slot
            if waited >= longest or (waited >= shortest and abs(now - price) >= threshold):
                posts[at].append(index)
                slot, price = first_slot + at, now
        after[index] = (slot, price)
    return posts, after


def _fees(rng: np.random.Generator, volatility: float) -> list[FeesPosted]:
    """Priority fees and tips: log-normal around their medians, higher when prices move more."""
    normals = rng.standard_normal((BLOCK_SLOTS // FEES_EVERY_SLOTS, 2))
    levels = np.exp(0.3 * normals) * max(0.5, volatility)
    return [
        FeesPosted(int(MEDIAN_PRIORITY_MICRO_LAMPORTS * priority), int(MEDIAN_TIP_LAMPORTS * tip))
        for priority, tip in levels.tolist()
    ]
