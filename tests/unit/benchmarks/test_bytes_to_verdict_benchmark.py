"""The benchmark's facts: the pools of its market, told by bytes that decode to them."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.arb_market import HUBS, NOW, specs, state
from benchmarks.bytes_to_verdict import Anew, constant_product, dlmm, whirlpool
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.account_pools import PoolDecoder

HUB_POOLS = 60


@pytest.mark.parametrize(
    ("kind", "moved"), [("whirlpool", whirlpool), ("constant product", constant_product), ("dlmm", dlmm)]
)
def test_a_pool_is_told_by_its_accounts(kind, moved):
    made = specs(Random(4), len(HUBS) + 10, HUB_POOLS, HUB_POOLS, arbitraged=True)
    spec = next(spec for spec in made if spec.kind == kind)
    whole, changes = moved(Random(1), spec)
    decoder, anew = PoolDecoder(), Anew(whole)
    first = decoder.read(whole)
    for zero_for_one in (True, False):
        told = pools.quote(first, 10**6, zero_for_one, NOW)
        assert told == pools.quote(state(spec, spec.noise), 10**6, zero_for_one, NOW)
    before = first
    for fact in changes[:20]:
        assert {account.address for account in fact.accounts} <= {account.address for account in whole.accounts}
        after = decoder.read(fact)
        assert after == anew.read(fact) != before
        before = after
