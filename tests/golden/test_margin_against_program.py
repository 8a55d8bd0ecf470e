"""10,000 random cases of each rule: our integers equal Drift's compiled program (`drift_program`)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.health import Exposure, Holding, MarginAccount, collateral_and_requirement
from phantom_arbiter.core.intents import Side
from phantom_arbiter.core.perp import auction, margin, spot
from phantom_arbiter.core.perp.margin import MarginType, MarketMargin, StrictPrice
from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.perp.spot import CollateralWeight
from tests.golden import drift_program
from tests.golden.drift_program import ORDER, Program, packed, perp_market, perp_position, spot_market

CASES = 10_000
ACCOUNTS = 10_000
TYPES = tuple(MarginType)
DOLLAR = CollateralWeight(10_000, 10_000)


@pytest.fixture(scope="module")
def program() -> Program:
    return drift_program.load()


def spread(random: Random, highest: int) -> int:
    """A number of any magnitude up to a bound, 0 among them."""
    return random.randint(0, 10 ** random.randint(0, len(str(highest)) - 1)) % (highest + 1)


def either_sign(random: Random, highest: int) -> int:
    return random.choice((-1, 1)) * spread(random, highest)


def random_market(random: Random) -> MarketMargin:
    initial = random.randint(1, 10_000)
    return MarketMargin(
        initial_bps=initial,
        maintenance_bps=random.randint(1, initial),
        imf_e6=random.choice((0, spread(random, 50_000))),
        pnl_initial_bps=random.choice((0, random.randint(1, 10_000))),
        pnl_maintenance_bps=random.choice((10_000, random.randint(1, 10_000))),
        pnl_imf_e6=random.choice((0, spread(random, 50_000))),
        pnl_max_imbalance_atoms=random.choice((0, spread(random, 10**12))),
    )


def random_weight(random: Random) -> CollateralWeight:
    initial, debt = random.randint(0, 10_000), random.randint(10_000, 20_000)
    return CollateralWeight(
        initial_bps=initial,
        maintenance_bps=random.randint(initial, 10_000),
        debt_initial_bps=debt,
        debt_maintenance_bps=random.randint(10_000, debt),
        imf_e6=random.choice((0, spread(random, 50_000))),
        scale_start_atoms=random.choice((0, spread(random, 10**14))),
    )


def same(ours: Callable[[], int], theirs: int | None) -> int:
    """Compare; a `ValueError` of ours must be an error of the program. Returns 1 for an error, else 0."""
    if theirs is None:
        with pytest.raises(ValueError, match="got"):
            ours()
        return 1
    assert ours() == theirs
    return 0


def test_margin_ratios(program):
    random = Random(1)
    for _ in range(CASES):
        market, base, kind = random_market(random), either_sign(random, 10**18), random.choice(TYPES)
        theirs = program.margin_ratio_bps(perp_market(market), base, kind)
        assert margin.margin_ratio_bps(market, base, kind) == theirs


def test_asset_weights(program):
    random = Random(2)
    for _ in range(CASES):
        weight, decimals, kind = random_weight(random), random.choice((5, 6, 8, 9, 12)), random.choice(TYPES)
        atoms, balance, px = spread(random, 10**17), spread(random, 10**18), 1 + spread(random, 10**11)
        interest = 10**10 + spread(random, 10**10)
        market = spot_market(weight, decimals, deposit_balance=balance, deposit_interest=interest)
        deposits = spot.token_atoms(balance, interest, decimals, borrowed=False)
        value = spot.token_value_atoms(deposits, decimals, StrictPrice(px))
        theirs = program.asset_weight_bps(market, atoms, px, kind)
        assert spot.asset_weight_bps(weight, atoms, decimals, kind, value) == theirs


def test_liability_weights(program):
    random = Random(3)
    for _ in range(CASES):
        weight, decimals, kind = random_weight(random), random.choice((5, 6, 8, 9, 12)), random.choice(TYPES)
        atoms = spread(random, 10**17)
        theirs = program.liability_weight_bps(spot_market(weight, decimals), atoms, kind)
        assert spot.liability_weight_bps(weight, -atoms, decimals, kind) == theirs


def test_token_amounts(program):
    random = Random(4)
    for _ in range(CASES):
        balance, decimals, borrowed = spread(random, 10**18), random.choice((5, 6, 8, 9)), random.random() < 0.5
        lent, owed = 10**10 + spread(random, 10**11), 10**10 + spread(random, 10**11)
        market = spot_market(DOLLAR, decimals, deposit_interest=lent, borrow_interest=owed)
        theirs = program.token_atoms(market, balance, borrowed=borrowed)
        assert spot.token_atoms(balance, owed if borrowed else lent, decimals, borrowed=borrowed) == theirs


def random_exposure(random: Random) -> Exposure:
    orders = random.choice((0, random.randint(1, 32)))
    return Exposure(
        instrument="X-PERP",
        base_atoms=random.choice((0, either_sign(random, 10**15))),
        quote_atoms=either_sign(random, 10**16),
        oracle_px=1 + spread(random, 10**11),
        margin=random_market(random),
        open_bids_atoms=spread(random, 10**15) if orders else 0,
        open_asks_atoms=-spread(random, 10**15) if orders else 0,
        open_orders=orders,
        market_pnl_atoms=either_sign(random, 10**14),
    )


def test_unrealised_profit_and_what_of_it_can_be_claimed(program):
    random = Random(5)
    for _ in range(CASES):
        held, entry, excess = random_exposure(random), either_sign(random, 10**16), either_sign(random, 10**15)
        px = random.choice((held.oracle_px, -held.oracle_px, 0))
        position = perp_position(held, quote_entry=entry)
        profit = margin.unrealized_pnl_atoms(held.base_atoms, held.quote_atoms, px)
        assert profit == program.unrealized_pnl_atoms(position, px)
        claimable = margin.claimable_pnl_atoms(profit, held.quote_atoms, entry, excess)
        assert claimable == program.claimable_pnl_atoms(position, px, excess)


def test_the_worst_case_of_open_orders(program):
    random = Random(6)
    for _ in range(CASES):
        held = random_exposure(random)
        assert held.worst_base_atoms == program.worst_case_base_atoms(perp_position(held), held.oracle_px)


def random_auction(random: Random, start: int, end: int) -> tuple[auction.Auction, bytearray, int]:
    side, duration = random.choice(tuple(Side)), random.choice((0, random.randint(1, 255)))
    slot, tick = spread(random, 10**9), random.choice((1, 100, 1 + spread(random, 10**6)))
    direction = 0 if side is Side.BUY else 1
    order = packed(
        96, ORDER, slot=slot, auction_start=start, auction_end=end, direction=direction, auction_duration=duration
    )
    return auction.Auction(side, start, end, slot, duration, tick), order, slot + spread(random, 300)


def test_auctions_between_prices(program):
    random, errors = Random(7), 0
    for _ in range(CASES):
        start = random.choice((1, 1, 1, -1)) * spread(random, 10**11)
        ours, order, slot = random_auction(random, start, start + either_sign(random, 10**9))
        theirs = program.auction_px(order, slot, ours.tick_px, None)
        errors += same(lambda ours=ours, slot=slot: auction.fixed_px(ours, slot), theirs)
    assert CASES // 10 < errors < CASES * 9 // 10


def test_auctions_around_the_oracle(program):
    random, errors = Random(8), 0
    for _ in range(CASES):
        ours, order, slot = random_auction(random, either_sign(random, 10**9), either_sign(random, 10**9))
        order[ORDER["order_type"][0]] = 4
        px = 1 + spread(random, 10**11)
        theirs = program.auction_px(order, slot, ours.tick_px, px)
        errors += same(lambda ours=ours, slot=slot, px=px: auction.oracle_offset_px(ours, slot, px), theirs)
    assert errors == 0


def random_holding(random: Random) -> Holding:
    decimals, px, deposits = random.choice((5, 6, 8, 9)), 10**4 + spread(random, 10**11), spread(random, 10**15)
    return Holding(
        asset="X",
        atoms=either_sign(random, 10**15),
        decimals=decimals,
        px=px,
        weight=random_weight(random),
        deposits_value_atoms=spot.token_value_atoms(deposits, decimals, StrictPrice(px)),
    )


def random_account(random: Random) -> tuple[MarginAccount, list[int]]:
    """An account, and the funding indices of its markets. No debt is worth nothing: the program refuses that."""
    quote = StrictPrice(10**6 + either_sign(random, 10**5))
    dollars = Holding("USDT", either_sign(random, 10**15), 6, quote.px, DOLLAR)
    others = [random_holding(random) for _ in range(random.randint(0, 2))]
    exposures, indices = [], []
    for _ in range(random.randint(0, 3)):
        held, index = random_exposure(random), either_sign(random, 10**11)
        funding = funding_payment_atoms(held.base_atoms, 0, index)
        exposures.append(replace(held, funding_atoms=funding))
        indices.append(index)
    holdings = tuple(holding for holding in (dollars, *others) if holding is dollars or holding.value_atoms != 0)
    return MarginAccount(holdings, tuple(exposures), quote=quote), indices


def test_whole_accounts(program):
    random = Random(9)
    for _ in range(ACCOUNTS):
        account, indices = random_account(random)
        kind = random.choice(TYPES)
        theirs = program.collateral_and_requirement(account, indices, kind)
        assert theirs is not None
        assert collateral_and_requirement(account, kind) == theirs
