"""sim.market.memecoins: trends, rugs, audits."""

import numpy as np

from phantom_arbiter.sim.market import memecoins as module
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.sim.market.streams import generator
from phantom_arbiter.sim.market.universe import TOKEN_INDEX, TOKENS


def test_only_launches_trend_and_none_without_edges() -> None:
    state, rows = module.first_trends(), []
    for number in range(2_000):
        trends, state = module.trend_block(state, SCENARIOS["calm"], generator(1, "trends", number))
        rows.append(trends)
    sds = np.array(rows).std(axis=0)
    for token, sd in zip(TOKENS, sds, strict=True):
        assert (0.7 * module.TREND_SD < sd < 1.3 * module.TREND_SD) if token.launch else sd == 0.0
    trends, after = module.trend_block(state, SCENARIOS["no-edge"], generator(1, "trends", 1))
    assert not trends.any()
    assert after == state


def test_some_launches_are_rugs() -> None:
    calm = module.rug_seconds(1, SCENARIOS["calm"])
    assert set(calm) == set(module.RUG_CANDIDATES) < set(TOKEN_INDEX)
    assert all(3_600 <= at <= 86_400 and at % 60 == 0 for at in calm.values())
    assert module.rug_seconds(2, SCENARIOS["calm"]) != calm
    assert module.rug_seconds(1, SCENARIOS["rug"])["PLOP"] == 2_400
    assert module.rug_seconds(1, SCENARIOS["no-edge"]) == {}


def test_audit_warns_of_the_usual_rugs_but_not_of_the_clean_one() -> None:
    clean, doomed = module.audit("PLOP", 1e6, 0, False), module.audit("QUACK", 1e5, 60, False)
    assert not clean.mint_authority
    assert clean.lp_burned_bps == 10_000
    assert clean.liquidity_usd_micros == 1_000_000_000_000
    assert doomed.lp_burned_bps == 0
    assert doomed.age_ns == 4 * 3_600 * 10**9 + 60
    assert module.audit("PLOP", 0.0, 0, True).sell_simulated is False
