"""sim.market.universe: the tables hold together."""

from phantom_arbiter.core.instruments import InstrumentKind
from phantom_arbiter.sim.market.pools import DEEPEST, POOL_INSTRUMENTS
from phantom_arbiter.sim.market.source import BuiltinMarket
from phantom_arbiter.sim.market.universe import LAUNCHES, PERPS, POOL_VENUES, POOLS, STAKE_POOLS, universe


def test_is_as_large_as_promised() -> None:
    tokens = {symbol for pool in POOLS for symbol in (pool.base, pool.quote)}
    assert len(tokens) >= 12
    assert len({pool.id for pool in POOLS}) == len(POOLS) >= 40
    assert len(POOL_VENUES) == 6
    assert len(PERPS) == 8
    assert {spec.asset.symbol for spec in STAKE_POOLS} == {"jitoSOL", "mSOL", "bSOL", "JupSOL"}
    assert len(LAUNCHES) >= 4


def test_every_pool_and_perp_has_an_instrument() -> None:
    known = universe()
    assert set(POOL_INSTRUMENTS) | {spec.instrument for spec in PERPS} == set(known.instruments.values())
    assert all(symbol in known.assets for pool in POOLS for symbol in (pool.base, pool.quote))


def test_deepest_pool_is_the_one_with_most_dollars() -> None:
    for instrument, index in DEEPEST.items():
        sides = [spec.side_usd for spec, made in zip(POOLS, POOL_INSTRUMENTS, strict=True) if made.id == instrument]
        assert POOLS[index].side_usd == max(sides)


def test_first_prices_keep_six_digits() -> None:
    """Also after a fall to a fifth, for spot: memecoins fall."""
    market = BuiltinMarket(1)
    for index, instrument in enumerate(POOL_INSTRUMENTS):
        quoted = market._pools.quoted(index, 0)
        assert quoted is not None
        assert quoted.bid_px >= 500_000, instrument.id
        assert instrument.kind is InstrumentKind.SPOT
    for perp, dollars in zip(PERPS, market._block.oracle_usd, strict=True):
        assert perp.instrument.px_from_float(dollars[0]) >= 100_000, perp.instrument.id
