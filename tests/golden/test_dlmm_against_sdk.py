"""2,000 random pools, clocks and swaps: our answers equal those of PyPI `meteora-dlmm`, from the same account bytes.

What the library gives in part, or does not model (overflows, an output of 0), is no difference where we refuse it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from phantom_arbiter.dex.meteora_dlmm import apply, quote
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from tests.golden.onchain.meteora_dlmm import array_bytes, bitmap_bytes, decoded, pair_bytes, real_pool, reference

ORACLES = Path(__file__).resolve().parents[2] / ".oracles"
CASES = 2_000
ADDRESS = bytes(range(32))


@pytest.fixture(scope="module")
def sdk() -> Iterator[ModuleType]:
    if not (ORACLES / "meteora_dlmm").is_dir():
        pytest.skip("meteora-dlmm is not here: run 'make oracles' with a network")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ORACLES)
        import meteora_dlmm

        yield meteora_dlmm
        for name in [name for name in sys.modules if name.split(".")[0] == "meteora_dlmm"]:
            del sys.modules[name]


def spread(random: Random, highest: int) -> int:
    """A number of any magnitude up to a bound, 0 among them."""
    return random.randint(0, 10 ** random.randint(0, len(str(highest)) - 1)) % (highest + 1)


def random_accounts(random: Random) -> tuple[bytes, list[bytes]]:
    """A pair and three arrays around its active bin, one of them sometimes missing and without liquidity."""
    step = random.choice((1, 2, 5, 10, 25, 80, 100, 250, 400))
    active = random.randint(-20_000 // step, 20_000 // step)
    middle = active // 70
    indices = [index for index in (middle - 1, middle, middle + 1) if index == middle or random.random() < 0.8]
    highest = 10 ** random.randint(1, 15)
    empty = random.random() * 0.9
    bins = {}
    for bin_id in range(70 * indices[0], 70 * indices[-1] + 70):
        x = spread(random, highest) if bin_id >= active and random.random() > empty else 0
        y = spread(random, highest) if bin_id <= active and random.random() > empty else 0
        bins[bin_id] = {"amount_x": x, "amount_y": y}
    filter_s = random.randint(0, 60)
    pair = pair_bytes(
        base_factor=random.choice((0, random.randint(1, 65_535))),
        base_fee_power_factor=random.choice((0, 0, 1)),
        filter_period=filter_s,
        decay_period=filter_s + random.randint(0, 600),
        reduction_factor=random.randint(0, 10_000),
        variable_fee_control=random.choice((0, spread(random, 2_000_000))),
        max_volatility_accumulator=random.randint(0, 400_000),
        volatility_accumulator=random.randint(0, 400_000),
        volatility_reference=random.randint(0, 400_000),
        index_reference=active + random.randint(-40, 40),
        last_update_timestamp=1_700_000_000,
        active_id=active,
        bin_step=step,
        bin_array_bitmap=bitmap_bytes(*indices),
    )
    return pair, [array_bytes(index, ADDRESS, bins, step=step) for index in indices]


def test_2000_random_swaps_are_answered_alike(sdk: ModuleType) -> None:
    random = Random(20_260_310)
    compared = crossing = 0
    while compared < CASES:
        pair, arrays = random_accounts(random)
        theirs = sdk.PoolState.from_accounts(pair, arrays, 9, 6, lb_pair_key=ADDRESS, exhaustive=True)
        ours = decoded(pair, arrays, ADDRESS)
        for x_to_y in (True, False):
            amount, clock = 1 + spread(random, 10**17), 1_700_000_000 + spread(random, 900)
            expected = sdk.quote(theirs, amount, x_to_y, timestamp=clock)
            answer = quote(ours, amount, x_to_y, clock, 0)
            if expected.remaining_in or expected.amount_out == 0:
                assert isinstance(answer, SwapRefusal), (amount, x_to_y, clock)
                continue
            assert not isinstance(answer, SwapRefusal), (answer, amount, x_to_y, clock)
            assert answer.amount_out_atoms == expected.amount_out, (amount, x_to_y, clock)
            compared, crossing = compared + 1, crossing + (answer.crossed > 0)
    assert crossing > CASES / 4


def test_the_swap_after_a_swap_is_answered_alike(sdk: ModuleType) -> None:
    """What `apply` leaves, put into the library's own state, answers like ours."""
    random, pool = Random(4), real_pool()
    _, pair, arrays = reference()
    clock = pool.volatility.last_update_s
    for _ in range(200):
        clock, x_to_y = clock + spread(random, 200), random.random() < 0.5
        amount = 1_000 + spread(random, 10**10 if x_to_y else 10**9)
        answer = quote(pool, amount, x_to_y, clock, 0)
        theirs = sdk.PoolState.from_accounts(pair, arrays, 9, 6)
        theirs.active_id = pool.active_id
        now = pool.volatility
        theirs.variable_params = sdk.VariableParams(
            now.accumulator, now.reference, now.index_reference, now.last_update_s
        )
        for index, array in pool.arrays.items():
            for place, bin_ in enumerate(array.bins):
                their_bin = theirs.bins[70 * index + place]
                their_bin.amount_x, their_bin.amount_y = bin_.amount_x_atoms, bin_.amount_y_atoms
        if isinstance(answer, SwapRefusal):
            with pytest.raises(sdk.InsufficientBinArrays):
                sdk.quote(theirs, amount, x_to_y, timestamp=clock)
            continue
        assert answer.amount_out_atoms == sdk.quote(theirs, amount, x_to_y, timestamp=clock).amount_out
        pool = apply(pool, answer, x_to_y, clock, 0)


@pytest.mark.parametrize("sol", [200, 300, 400, 500])
def test_limit_orders_are_filled_alike(sdk: ModuleType, sol: int) -> None:
    """The real pool's bid in bin −25,429 is 60 bins down."""
    _, pair, arrays = reference()
    theirs = sdk.PoolState.from_accounts(pair, arrays, 9, 6)
    expected = sdk.quote(theirs, sol * 10**9, True, timestamp=1_783_662_993)
    answer = quote(real_pool(), sol * 10**9, True, 1_783_662_993, 0)
    assert isinstance(answer, SwapQuote)
    assert answer.amount_out_atoms == expected.amount_out
    assert expected.bins_crossed > 60 or sol == 200
