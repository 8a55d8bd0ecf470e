import os
from random import Random

from benchmarks.arb_market import HUBS, NOW, specs, state
from phantom_arbiter.app.kernels import is_fresh, kernels, prepare
from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.routes import BaseTerms, RouteIndex
from phantom_arbiter.dex.split import split_cycle


def signatures():
    return {str(kernel): len(kernel.signatures) for kernel in kernels()}


def test_every_kernel_is_ready_and_the_engine_needs_no_other_signature():
    prepare(lambda _: None)
    ready = signatures()
    assert len(ready) >= 8
    assert all(ready.values())
    index = RouteIndex(list(HUBS))
    placed = []
    for number, spec in enumerate(specs(Random(1), 40, 60, 12, arbitraged=False)):
        placed.append(PlacedPool(spec.token_0, spec.token_1, state(spec, spec.noise)))
        index.add(str(number), *placed[-1], NOW)
    index.set_terms({base: BaseTerms(worth, 1e12) for base, worth in HUBS.items()})
    index.best_cycle("0", 4)
    index.best_rates("1")
    index.update("1", placed[1].pool, NOW)
    index.remove_until_updated("2")
    index.best_cycles("0", 3, 3)
    split_cycle([[(placed[0].pool, True)], [(placed[0].pool, False), (placed[1].pool, False)]], 10**6, NOW)
    convex_bound(placed, HUBS, NOW)
    assert signatures() == ready


def test_the_second_time_nothing_is_compiled_and_nothing_said():
    prepare(lambda _: None)
    said = []
    prepare(said.append)
    assert said == []


def test_a_cache_is_fresh_if_no_source_is_newer(tmp_path):
    cache, older, newer = (tmp_path / name for name in ("cache", "older", "newer"))
    for seconds, path in ((1_000, older), (2_000, cache), (3_000, newer)):
        path.touch()
        os.utime(path, (seconds, seconds))
    assert is_fresh([cache], [older])
    assert is_fresh([older, cache], [older, cache])
    assert not is_fresh([cache], [older, newer])
    assert not is_fresh([], [older])
