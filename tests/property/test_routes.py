"""The compiled search, its plain twin and an enumeration written apart from both must agree, on all kinds of pools."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.arb_exhaustive import Curve, Pool, best_values, cycles, sized
from benchmarks.arb_market import KINDS, NOW, Spec, state
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pools import segments
from phantom_arbiter.dex.routes import BaseTerms, RouteIndex

BASES = ["SOL", "USDC", "USDT", "jitoSOL"]
TOKENS = [*BASES, "A", "B"]
NO_LIMIT = {base: BaseTerms(1.0, 1e15) for base in BASES}
DEAD = ConstantProductPool(0, 0, 0, 1)

specs = st.builds(
    lambda kind, pair, depth, fee, noise: Spec(kind, pair[0], pair[1], 1.0, depth, fee, noise),
    st.sampled_from(KINDS),
    st.permutations(TOKENS),
    st.floats(1e6, 1e10),
    st.sampled_from([1e-4, 1e-3, 1e-2]),
    st.floats(-0.03, 0.03),
)
graphs = st.lists(specs, min_size=1, max_size=12)
terms = st.fixed_dictionaries(
    {base: st.builds(BaseTerms, st.floats(0.1, 200.0), st.sampled_from([1e4, 1e7, 1e12])) for base in BASES}
)
hops = st.integers(2, 4)


def pool_of(spec):
    return state(spec, spec.noise)


def build(rows, base_terms, *, compiled=True, names=str):
    index = RouteIndex([names(base) for base in BASES], compiled=compiled)
    index.set_terms({names(base): of_base for base, of_base in base_terms.items()})
    for number, spec in enumerate(rows):
        index.add(f"p{number}", names(spec.token_0), names(spec.token_1), pool_of(spec), NOW)
    return index


def plain(rows):
    return [
        Pool(row.token_0, row.token_1, tuple(Curve(segments(pool_of(row), way, NOW)) for way in (True, False)))
        for row in rows
    ]


def way_of(cycle):
    return tuple((int(hop.pool_id[1:]), hop.zero_for_one) for hop in cycle.hops)


@settings(max_examples=150, deadline=None)
@given(graphs, terms, hops, st.data())
def test_the_cycles_found_are_the_best_of_all(rows, base_terms, max_hops, data):
    number = data.draw(st.integers(0, len(rows) - 1))
    index = build(rows, base_terms)
    found = index.best_cycles(f"p{number}", 8, max_hops)
    pools = plain(rows)
    best = best_values(pools, base_terms, number, max_hops)
    expected = sorted(best.values(), reverse=True)
    floor = 1e-3 * max(of_base.value_per_atom for of_base in base_terms.values())
    worth = [cycle.value for cycle in found]
    assert worth == sorted(worth, reverse=True)
    assert worth == pytest.approx((expected + [0.0] * 8)[: len(worth)], rel=1e-6, abs=floor)
    assert all(value <= floor for value in expected[len(worth) : 8])
    assert len({frozenset(way_of(cycle)) for cycle in found}) == len(found)
    for cycle in found:
        amount, profit = sized(pools, way_of(cycle), base_terms[cycle.base].limit_atoms)
        assert cycle.profit_atoms == pytest.approx(profit, rel=1e-6, abs=1e-3)
        assert cycle.amount_in_atoms == pytest.approx(amount, rel=1e-3, abs=1.0)
        assert cycle.amount_in_atoms <= base_terms[cycle.base].limit_atoms
        assert cycle.value == cycle.profit_atoms * base_terms[cycle.base].value_per_atom
    assert found[:1] == index.best_cycles(f"p{number}", 1, max_hops)


@settings(max_examples=100, deadline=None)
@given(graphs, terms, hops)
def test_the_best_rates_are_the_best_of_all(rows, base_terms, max_hops):
    index, pools = build(rows, base_terms), plain(rows)
    ways = [way for base in BASES for way in cycles(pools, base, max_hops)]

    def net(way):
        rate = 1.0
        for number, zero_for_one in way:
            rate *= pools[number].curve(zero_for_one).at(0.0)[1]
        return rate

    for number in range(len(rows)):
        here = [net(way) for way in ways if any(number == hop[0] for hop in way)]
        rates = index.best_rates(f"p{number}", max_hops)
        assert rates.net == pytest.approx(max(here, default=0.0))
        assert rates.gross >= rates.net
        cycle = index.best_cycle(f"p{number}", max_hops)
        assert (cycle is None) == (rates.net == 0.0)
        if cycle is not None and cycle.value == 0.0:
            assert (cycle.net_rate, cycle.gross_rate) == pytest.approx(rates)
            assert way_of(cycle) in ways


@settings(max_examples=60, deadline=None)
@given(graphs, terms, hops)
def test_the_plain_twin_finds_the_same(rows, base_terms, max_hops):
    compiled, twin = (build(rows, base_terms, compiled=compiled) for compiled in (True, False))
    for number in range(len(rows)):
        pool_id = f"p{number}"
        assert compiled.best_cycles(pool_id, 5, max_hops) == twin.best_cycles(pool_id, 5, max_hops)
        assert compiled.best_cycle(pool_id, max_hops) == twin.best_cycle(pool_id, max_hops)


@settings(max_examples=60, deadline=None)
@given(graphs, st.lists(st.tuples(st.integers(0, 11), specs, st.booleans()), max_size=6), specs)
def test_updates_and_late_pools_equal_a_fresh_index(rows, changes, late):
    index, changed = build(rows, NO_LIMIT), list(rows)
    index.best_cycle("p0")
    gone = set()
    for at, spec, removed in changes:
        number = at % len(rows)
        changed[number] = spec._replace(token_0=rows[number].token_0, token_1=rows[number].token_1)
        index.update(f"p{number}", pool_of(changed[number]), NOW)
        gone.discard(number)
        if removed:
            index.remove_until_updated(f"p{number}")
            gone.add(number)
    changed.append(late)
    index.add(f"p{len(rows)}", late.token_0, late.token_1, pool_of(late), NOW)
    fresh = build(changed, NO_LIMIT)
    for number in gone:
        fresh.update(f"p{number}", DEAD, NOW)
    for number in range(len(changed)):
        assert index.best_cycles(f"p{number}", 5, 4) == fresh.best_cycles(f"p{number}", 5, 4)


@settings(max_examples=60, deadline=None)
@given(graphs, terms, st.randoms())
def test_names_order_and_sides_of_pools_change_nothing(rows, base_terms, random):
    index = build(rows, base_terms)
    renamed = build(rows, base_terms, names=lambda token: f"x{token[::-1]}")
    order = random.sample(range(len(rows)), len(rows))
    shuffled = build([rows[number] for number in order], base_terms)
    for place, number in enumerate(order):
        values = [cycle.value for cycle in index.best_cycles(f"p{number}", 5, 4)]
        assert values == [cycle.value for cycle in renamed.best_cycles(f"p{number}", 5, 4)]
        assert values == pytest.approx([cycle.value for cycle in shuffled.best_cycles(f"p{place}", 5, 4)], rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(graphs, terms)
def test_a_pool_told_the_other_way_round_changes_nothing(rows, base_terms):
    plain_rows = [row._replace(kind="constant product") for row in rows]
    index = build(plain_rows, base_terms)
    flipped = RouteIndex(BASES)
    flipped.set_terms(base_terms)
    for number, row in enumerate(plain_rows):
        pool = pool_of(row)
        other = ConstantProductPool(
            pool.reserve_1_atoms, pool.reserve_0_atoms, pool.fee_numerator, pool.fee_denominator
        )  # fmt: skip
        flipped.add(f"p{number}", row.token_1, row.token_0, other, NOW)
    for number in range(len(rows)):
        one, two = (each.best_cycles(f"p{number}", 5, 4) for each in (index, flipped))
        assert [cycle.value for cycle in one] == [cycle.value for cycle in two]


def test_the_profit_found_is_the_optimum_on_a_thousand_graphs():
    """At least 99.9 % of what an exhaustive search finds, from every base, at two to four hops."""
    random = Random(4)
    found = optimum = 0.0
    for _ in range(1_000):
        rows = [
            Spec(random.choice(KINDS), *random.sample(TOKENS, 2), 1.0, 10 ** random.uniform(6, 10),
                 10 ** random.uniform(-4, -2), random.gauss(0.0, 0.01))
            for _ in range(8)
        ]  # fmt: skip
        base_terms = {base: BaseTerms(random.uniform(0.5, 2.0), 10 ** random.uniform(5, 12)) for base in BASES}
        max_hops = random.choice([2, 3, 4])
        best = best_values(plain(rows), base_terms, 0, max_hops)
        optimum += max(best.values(), default=0.0)
        found += sum(cycle.value for cycle in build(rows, base_terms).best_cycles("p0", 1, max_hops))
    assert optimum > 0.0
    assert 0.999 * optimum <= found <= 1.000001 * optimum
