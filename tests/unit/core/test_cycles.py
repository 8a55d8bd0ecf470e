"""Split cycles: capital, guards and leftovers, and what the ledger makes of them."""

from __future__ import annotations

from phantom_arbiter.core import cycles
from phantom_arbiter.core.events import LegReport, OrderReported, PoolUpdated
from phantom_arbiter.core.events import LegStatus as S
from phantom_arbiter.core.intents import Intent, Policy, Swap
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.reservation_plan import reservation_plan
from tests.unit.core.house import USD, WHOLE, House, intent


def split() -> Intent:
    """USDC into SOL through two pools at once, and all of it back through a third."""
    return intent(
        Swap("SOL/USDC", "pool", "USDC", "SOL", 100 * USD, 670_000_000, 668_000_000),
        Swap("SOL/USDC", "second", "USDC", "SOL", 50 * USD, 334_000_000, 332_000_000),
        Swap("SOL/USDC", "third", "SOL", "USDC", WHOLE, 152 * USD, 151 * USD),
        policy=Policy.ATOMIC,
    )


def house() -> House:
    made = House()
    for pool in ("second", "third"):
        made.feed(PoolUpdated(pool, "dex", "SOL", "USDC", 10**14, 15 * 10**12, 25, 10_000, 0))
    return made


def filled(made: House, order: Order, *amounts: tuple[int, int]) -> None:
    made.feed(OrderReported(order.id, tuple(LegReport(leg, S.FILLED, *both) for leg, both in enumerate(amounts))))


def test_capital_guard_and_expectation_are_sums_over_the_legs_of_the_base() -> None:
    wish = split()
    assert cycles.is_cycle(wish)
    assert cycles.base_asset(wish) == "USDC"
    assert cycles.capital_atoms(wish) == 150 * USD
    assert cycles.least_atoms(wish) == 151 * USD
    assert cycles.expected_atoms(wish) == 152 * USD


def test_the_capital_of_all_first_legs_is_set_aside_together() -> None:
    capital, fees = reservation_plan(split())
    assert (capital.leg, capital.asset, capital.atoms) == (0, "USDC", 150 * USD)
    assert fees.leg == -1
    made = house()
    made.order(split())
    assert made.vault.reserved("funding", "USDC") == 150 * USD


def test_what_is_left_on_the_way_stays_with_the_engine() -> None:
    made = house()
    order = made.order(split())
    filled(made, order, (100 * USD, 671_000_000), (50 * USD, 334_000_000), (WHOLE, 152 * USD))
    assert cycles.net_flows(made.kernel.closed[-1]) == {"USDC": 2 * USD, "SOL": 5_000_000}
    assert made.vault.engine_assets("funding") == {"SOL": 20 * WHOLE + 5_000_000, "USDC": 10_002 * USD}
    assert made.vault.reserved("funding", "USDC") == 0
    assert set(made.sums().values()) <= {0}


def test_a_cycle_that_reverts_gives_all_back() -> None:
    made = house()
    order = made.order(split())
    made.feed(OrderReported(order.id, tuple(LegReport(leg, S.REJECTED) for leg in range(3))))
    assert made.vault.engine_assets("funding") == {"SOL": 20 * WHOLE, "USDC": 10_000 * USD}
    assert made.vault.reserved("funding", "USDC") == 0
