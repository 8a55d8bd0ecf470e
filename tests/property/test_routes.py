"""The compiled search, its plain twin and an enumeration written apart from both must agree."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.constant_product import ConstantProductPool, reserves
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.routes import BaseTerms, RouteIndex
from phantom_arbiter.dex.sizing import optimal_input

TOKENS = ["SOL", "USDC", "A", "B", "C"]
BASES = ["SOL", "USDC"]
FREE = {base: BaseTerms(1.0, 1e12) for base in BASES}

pool_rows = st.tuples(
    st.permutations(TOKENS).map(lambda order: tuple(order[:2])),
    st.builds(
        ConstantProductPool,
        st.integers(10**6, 10**9),
        st.integers(10**6, 10**9),
        st.sampled_from([0, 1, 25, 100]),
        st.just(10_000),
    ),
)
graphs = st.lists(pool_rows, min_size=1, max_size=14)
terms = st.fixed_dictionaries(
    {base: st.builds(BaseTerms, st.floats(0.1, 200.0), st.sampled_from([1e4, 1e7, 1e12])) for base in BASES}
)


def build(rows, base_terms, *, compiled):
    index = RouteIndex(BASES, compiled=compiled)
    index.set_terms(base_terms)
    for number, ((token_0, token_1), pool) in enumerate(rows):
        index.add(f"p{number}", token_0, token_1, pool)
    return index


def cycles_through(rows, number):
    """Every cycle of 2 or 3 different pools with `number` among them, as [(row, zero_for_one), ...] and base."""
    for hops in (2, 3):
        for chosen in permutations(range(len(rows)), hops):
            if number not in chosen:
                continue
            for base in BASES:
                token, path, visited = base, [], []
                for row in chosen:
                    token_0, token_1 = rows[row][0]
                    if token not in (token_0, token_1):
                        break
                    visited.append(token)
                    path.append((row, token == token_0))
                    token = token_1 if token == token_0 else token_0
                if len(path) == hops and token == base and len(set(visited)) == hops:
                    yield base, path


def worth(rows, path, limit):
    hops = [(rows[row][1], zero_for_one) for row, zero_for_one in path]
    best = min(optimal_input(hops, Moment(0, 0, 0)), limit)
    amount = best
    for pool, zero_for_one in hops:
        reserve_in, reserve_out = reserves(pool, zero_for_one)
        net = amount * (1 - pool.fee_numerator / pool.fee_denominator)
        amount = reserve_out * net / (reserve_in + net)
    return amount - best


def net_rate(rows, path):
    rate = 1.0
    for row, zero_for_one in path:
        pool = rows[row][1]
        reserve_in, reserve_out = reserves(pool, zero_for_one)
        rate *= reserve_out / reserve_in * (1 - pool.fee_numerator / pool.fee_denominator)
    return rate


@settings(max_examples=150, deadline=None)
@given(graphs, terms, st.data())
def test_search_equals_enumeration_and_twin(rows, base_terms, data):
    number = data.draw(st.integers(0, len(rows) - 1))
    pool_id = f"p{number}"
    found = build(rows, base_terms, compiled=True).best_cycle(pool_id)
    assert build(rows, base_terms, compiled=False).best_cycle(pool_id) == found
    known = list(cycles_through(rows, number))
    if not known:
        assert found is None
        return
    assert found is not None
    path = [(int(hop.pool_id[1:]), hop.zero_for_one) for hop in found.hops]
    assert (found.base, path) in known
    assert net_rate(rows, path) == pytest.approx(found.net_rate)
    best = max(worth(rows, way, base_terms[base].limit_atoms) * base_terms[base].value_per_atom
               for base, way in known)  # fmt: skip
    if found.profit_atoms > 0.0:
        assert found.value == pytest.approx(best, rel=1e-6)
        profit = worth(rows, path, base_terms[found.base].limit_atoms)
        assert found.profit_atoms == pytest.approx(profit, rel=1e-6, abs=1e-3)
        assert found.amount_in_atoms <= base_terms[found.base].limit_atoms
    else:
        assert best == pytest.approx(0.0, abs=1e-3)
        assert found.net_rate == pytest.approx(max(net_rate(rows, way) for _, way in known))


@settings(max_examples=60, deadline=None)
@given(graphs, st.data())
def test_updates_equal_a_fresh_index(rows, data):
    index = build(rows, FREE, compiled=True)
    index.best_cycle("p0")
    changed = list(rows)
    for _ in range(3):
        number = data.draw(st.integers(0, len(rows) - 1))
        pool = data.draw(pool_rows)[1]
        changed[number] = (rows[number][0], pool)
        index.update(f"p{number}", pool)
    late = data.draw(pool_rows)
    changed.append(late)
    index.add(f"p{len(rows)}", *late[0], late[1])
    fresh = build(changed, FREE, compiled=True)
    for number in range(len(changed)):
        assert index.best_cycle(f"p{number}") == fresh.best_cycle(f"p{number}")
