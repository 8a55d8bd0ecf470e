"""2,000 random pools of each kind: our outputs equal those of the DEX's own SDK, from the same bytes and numbers.

An SDK that says 0 where ours refuses is no difference: the programs pay out nothing or fail. Whirlpool's 1.0.2 (the
last under the Apache licence) runs forever where its tick arrays end, so it is asked only what ours answers. Raydium's
goes on where a step to the next tick would take more than a u64, on which the program of 2024-11 fails.
"""

from __future__ import annotations

import shutil
from itertools import islice, repeat
from random import Random

import pytest
from msgspec.structs import replace

from benchmarks.quote_cases import KINDS, Case, make
from benchmarks.quotes import FOLDER, answered_cases, ask, commands, paid
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import apply, quote
from phantom_arbiter.dex.raydium_cpmm import FEE_DENOMINATOR, CpmmPool

CASES = 2_000
BEYOND_U64 = SwapRefusal("an amount exceeds u64")


def plain_cases(kind: str, random: Random) -> list[Case]:
    made = (make(kind, random) for _ in repeat(None))
    return list(islice((case for case in made if quote(*case[:4]) != BEYOND_U64), CASES))


@pytest.fixture(autouse=True)
def sdks() -> None:
    """Skips where there are none."""
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the SDKs are not here: run 'make oracles' with node and a network")


@pytest.mark.parametrize("kind", KINDS)
def test_2000_random_swaps_are_answered_alike(kind: str) -> None:
    random = Random(f"{kind} 2026")
    answerable = kind == "whirlpool"
    cases = answered_cases(kind, random, CASES) if answerable else plain_cases(kind, random)
    theirs = ask(commands(kind)[0], kind, cases)
    assert len(theirs.outs) == CASES
    differ = [
        (case.wire, ours, out)
        for case, ours, out in zip(cases, map(paid, cases), theirs.outs, strict=True)
        if ours != max(0, int(out or 0))
    ]
    assert differ == []
    assert sum(out is not None and int(out) > 0 for out in theirs.outs) > CASES / 2


def reserves_after(case: Case) -> str:
    """What the token that came in and the other one come to in a CPMM pool, once protocol, fund and creator have
    theirs."""
    answer = quote(*case[:4])
    assert isinstance(answer, SwapQuote)
    after = apply(case.pool, answer, *case[2:4])
    assert isinstance(after, CpmmPool)
    reserves = after.reserve_0_atoms, after.reserve_1_atoms
    return "{} {}".format(*(reserves if case.zero_for_one else reserves[::-1]))


def test_2000_random_swaps_leave_the_same_in_a_cpmm_pool() -> None:
    cases = answered_cases("raydium_cpmm", Random("after 2026"), CASES)
    theirs = ask(commands("raydium_cpmm")[0], "raydium_cpmm_after", cases)
    assert theirs.outs == list(map(reserves_after, cases))


def creator_on_input(case: Case) -> Case:
    """The same swap where a CPMM creator's fee is taken of whatever comes in."""
    assert isinstance(case.pool, CpmmPool)
    pool = replace(case.pool, fees=replace(case.pool.fees, creator_fee_on=0))
    return Case(pool, *case[1:4], case.wire | {"creatorOnInput": True})


def rounded_apart(case: Case) -> tuple[int, int]:
    """Fee and output of a CPMM swap if trade fee and creator's were rounded up each for itself."""
    assert isinstance(case.pool, CpmmPool)
    amount, fees = case.amount_in_atoms, case.pool.fees
    fee = sum(-(-amount * rate // FEE_DENOMINATOR) for rate in (fees.trade_rate, fees.creator_rate))
    reserves = case.pool.reserve_0_atoms, case.pool.reserve_1_atoms
    reserve_in, reserve_out = reserves if case.zero_for_one else reserves[::-1]
    return fee, reserve_out * (amount - fee) // (reserve_in + amount - fee)


def test_the_sdk_takes_at_most_an_atom_more_where_a_cpmm_creators_fee_is_on_the_input() -> None:
    """It computes as the program did before 2025-11; since then the program rounds the two fees up as one."""
    made = answered_cases("raydium_cpmm", Random("input 2026"), CASES)
    answers = [(case, quote(*case[:4])) for case in map(creator_on_input, made)]
    asked = [(case, answer) for case, answer in answers if isinstance(answer, SwapQuote) and rounded_apart(case)[1] > 0]
    theirs = ask(commands("raydium_cpmm")[0], "raydium_cpmm", [case for case, _ in asked])
    assert theirs.outs == [str(rounded_apart(case)[1]) for case, _ in asked]
    assert {rounded_apart(case)[0] - answer.input_fee_atoms for case, answer in asked} == {0, 1}
    assert len(asked) > CASES / 2
