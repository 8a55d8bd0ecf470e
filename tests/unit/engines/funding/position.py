"""A funding engine flat or holding, and what its tests do to the market around it."""

from phantom_arbiter.core.events import PnlSettled
from phantom_arbiter.engines.funding import FundingEngine
from tests.unit.engines.market_builder import HOUR, Bench, hour, price, sol_pool, stats


def bench(usdc=10_000, premium_bps=10.0, config=None):
    """Flat, with SOL at 100 and a premium that predicts some 44 % a year."""
    made = Bench(FundingEngine(config=config), USDC=usdc, SOL=1)
    made.show(*price(100, premium_bps), sol_pool(100), stats(100, premium_bps))
    return made


def opened(**kwargs):
    """Holding a hedged position."""
    made = bench(**kwargs)
    made.tick()
    made.fill()
    made.tick()
    assert made.engine.panel()["perp_sol"] < 0
    return made


def move_price(made, usd):
    return made.show(*price(usd), sol_pool(usd))


def settle(made):
    """The venue moves the closed short's profit or loss to the collateral."""
    loss = made.desk.book.perps["SOL-PERP"].quote_atoms
    made.post(PnlSettled("funding", "SOL-PERP", "USDC", loss))


def pass_hours(made, apr, hours):
    for _ in range(hours):
        made.now_ns += HOUR
        made.post(hour(apr))


def held(made):
    panel = made.engine.panel()
    return panel["spot_sol"], panel["perp_sol"]
