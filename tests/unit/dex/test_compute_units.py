import pytest

from phantom_arbiter.dex.compute_units import swap_units
from phantom_arbiter.dex.phoenix import PhoenixMarket
from phantom_arbiter.dex.raydium_clmm import ClmmPool
from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool
from phantom_arbiter.dex.whirlpool import Whirlpool
from phantom_arbiter.dex.whirlpool_adaptive_fee import AdaptiveFee

ADAPTIVE = AdaptiveFee(0, 30, 600, 5_000, 4_000, 350_000, 64, 64)


@pytest.mark.parametrize(
    ("pool", "units", "crossing"),
    [
        (CpmmPool(10**9, 10**9, CpmmFees(2_500)), 55_000, 0),
        (Whirlpool(64, 3_000, 0, 1, 1 << 64, 0), 80_000, 9_000),
        (Whirlpool(64, 3_000, 0, 1, 1 << 64, 0, adaptive_fee=ADAPTIVE), 80_000, 13_000),
        (ClmmPool(500, 1, 1 << 64, 0, (), "", ""), 100_000, 20_000),
        (PhoenixMarket("base", "quote", 1, 1, 1, 1, 0, (), ()), 100_000, 5_400),
    ],
    ids=["constant product", "whirlpool", "adaptive fee", "clmm", "not measured"],
)
def test_a_swap_asks_for_its_own_units_and_those_of_what_it_crosses(pool, units, crossing):
    assert swap_units(pool, 0) == units
    assert swap_units(pool, 3) == units + 3 * crossing
