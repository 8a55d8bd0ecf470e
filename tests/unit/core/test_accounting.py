"""What fills, fees and settlements do to the ledger, the book and the causes of P&L."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.events import (
    Fee,
    FeeKind,
    FundingSettled,
    LegReport,
    LegStatus,
    Liquidated,
    OrderReported,
    PnlSettled,
    PoolUpdated,
    StakePoolRead,
)
from phantom_arbiter.core.intents import Intent, Policy, Purpose, Side, Swap
from phantom_arbiter.core.ledger import FEE, INCOME, RENT
from phantom_arbiter.core.orders import OrderStatus
from phantom_arbiter.core.portfolio import Cause
from tests.unit.core.house import SECOND, SOL_PX, USD, VENUE, WHOLE, House, buy, deposit, intent, perp_order, sell

S = LegStatus


def filled(house: House, wish: Intent, *fills: tuple[int, int], fees: tuple[Fee, ...] = ()) -> None:
    """Carry an order through: each leg's (in, out); ``fees`` are the last leg's."""
    order = house.order(wish)
    if wish.policy is Policy.ATOMIC:
        legs = tuple(LegReport(index, S.FILLED, *fill) for index, fill in enumerate(fills))
        house.feed(OrderReported(order.id, legs))
    else:
        for index, fill in enumerate(fills):
            house.report(order, S.FILLED, *fill, leg=index, fees=fees if index == len(fills) - 1 else ())
    assert order.status is OrderStatus.DONE


def short(house: House, *, fee: int = 52_500) -> None:
    """1,000 USDC at the venue, one SOL short at 150."""
    filled(
        house,
        intent(deposit(1_000), perp_order(Side.SELL)),
        (1_000 * USD, 1_000 * USD),
        (WHOLE, 150 * USD),
        fees=(Fee(FeeKind.PERP, "USDC", fee),) if fee else (),
    )


def causes_add_up(house: House) -> None:
    causes, equity = house.kernel.accounting.pnl_by_cause_micros("funding"), house.kernel.accounting.own_equity_micros
    assert sum(causes.values()) == (equity("funding") or 0) - house.book.funded_micros
    assert set(house.sums().values()) <= {0}


def test_a_purchase_turns_free_capital_into_a_position() -> None:
    house = House()
    filled(house, intent(buy(150), position_id="p"), (150 * USD, 999_000_000))
    vault = house.vault
    assert vault.available("funding", "USDC") == 9_850 * USD
    assert vault.deployed("funding", "SOL") == 999_000_000
    assert vault.available("funding", "SOL") == 20 * WHOLE
    lot = house.book.lots["p"]
    assert (lot.asset, lot.atoms, lot.cost_asset, lot.cost_atoms) == ("SOL", 999_000_000, "USDC", 150 * USD)
    assert house.book.pnl_micros[Cause.SLIPPAGE] == -150_000
    causes_add_up(house)


def test_a_sale_turns_the_position_into_free_capital_and_the_lot_goes() -> None:
    house = House()
    filled(house, intent(buy(150), position_id="p"), (150 * USD, WHOLE))
    sale = intent(sell(400_000_000), purpose=Purpose.EXIT, position_id="p")
    filled(house, sale, (400_000_000, 60 * USD))
    lot = house.book.lots["p"]
    assert (lot.atoms, lot.cost_atoms) == (600_000_000, 90 * USD)
    filled(house, intent(sell(600_000_000), purpose=Purpose.EXIT, position_id="p"), (600_000_000, 90 * USD))
    assert house.book.lots == {}
    assert house.vault.available("funding", "USDC") == 10_000 * USD
    assert house.book.trades == 3
    causes_add_up(house)


def test_a_swap_that_filled_in_part_keeps_what_it_filled() -> None:
    house = House()
    order = house.order(intent(buy(150), position_id="p"))
    house.report(order, S.PARTIAL, 60 * USD, 400_000_000)
    house.report(order, S.EXPIRED, 60 * USD, 400_000_000)
    assert order.status is OrderStatus.PARTIAL
    assert house.vault.available("funding", "USDC") == 9_940 * USD
    assert house.vault.deployed("funding", "SOL") == 400_000_000
    assert house.book.lots["p"].atoms == 400_000_000
    assert house.book.pnl_micros.get(Cause.SLIPPAGE, 0) == 0, "what did not fill is no slippage"


def test_a_swap_fee_is_told_and_never_debited() -> None:
    house = House()
    filled(house, intent(buy(150)), (150 * USD, WHOLE), fees=(Fee(FeeKind.SWAP, "USDC", 375_000),))
    assert house.vault.available("funding", "USDC") == 9_850 * USD
    assert house.book.pnl_micros[Cause.FEES] == -375_000
    causes_add_up(house)


def test_a_deposit_and_a_withdrawal_move_collateral() -> None:
    house = House()
    filled(house, intent(deposit(1_000)), (1_000 * USD, 1_000 * USD))
    assert house.book.collateral_atoms(VENUE, "USDC") == house.vault.deployed("funding", "USDC") == 1_000 * USD
    filled(house, intent(deposit(-400), purpose=Purpose.REBALANCE), (400 * USD, 400 * USD))
    assert house.book.collateral_atoms(VENUE, "USDC") == house.vault.deployed("funding", "USDC") == 600 * USD
    assert house.vault.available("funding", "USDC") == 9_400 * USD


def test_a_short_sells_no_spot_and_pays_its_fee_from_the_collateral() -> None:
    house = House()
    short(house)
    position = house.book.perps["SOL-PERP"]
    assert (position.base_atoms, position.quote_atoms) == (-WHOLE, 150 * USD)
    assert house.vault.engine_assets("funding") == {"SOL": 20 * WHOLE, "USDC": 10_000 * USD - 52_500}
    assert house.vault.balance(FEE[FeeKind.PERP], "USDC") == 52_500
    assert house.book.collateral_atoms(VENUE, "USDC") == 1_000 * USD - 52_500
    causes_add_up(house)


def test_a_fee_that_grows_without_a_fill_is_charged_once() -> None:
    house = House()
    order = house.order(intent(deposit(1_000), perp_order(Side.SELL)))
    house.report(order, S.FILLED, 1_000 * USD, 1_000 * USD)
    house.report(order, S.PARTIAL, WHOLE // 2, 75 * USD, leg=1, fees=(Fee(FeeKind.PERP, "USDC", 100),))
    house.report(order, S.EXPIRED, WHOLE // 2, 75 * USD, leg=1, fees=(Fee(FeeKind.PERP, "USDC", 130),))
    assert house.book.collateral_atoms(VENUE, "USDC") == 1_000 * USD - 130


def test_a_perp_position_knows_when_it_was_opened() -> None:
    house = House()
    order = house.order(intent(deposit(1_000), perp_order(Side.SELL)))
    house.report(order, S.FILLED, 1_000 * USD, 1_000 * USD)
    house.tick(5)
    house.report(order, S.PARTIAL, WHOLE // 2, 75 * USD, leg=1)
    opened_ns = house.kernel.view.now_ns
    house.tick(5)
    house.report(order, S.FILLED, WHOLE, 150 * USD, leg=1)
    assert house.book.perps["SOL-PERP"].opened_ns == opened_ns < house.kernel.view.now_ns


@pytest.mark.parametrize(("payment", "cause"), [(2 * USD, "received"), (-2 * USD, "paid")])
def test_funding_goes_to_the_collateral_with_its_sign(payment: int, cause: str) -> None:
    house = House()
    short(house, fee=0)
    house.feed(FundingSettled("funding", "SOL-PERP", "USDC", payment, -WHOLE, 0, 5))
    assert house.vault.deployed("funding", "USDC") == 1_000 * USD + payment, cause
    assert house.vault.balance(INCOME["funding"], "USDC") == -payment
    assert house.book.pnl_micros[Cause.FUNDING] == payment
    position = house.book.perps["SOL-PERP"]
    assert (position.funding_index_e9, position.funding_received_atoms) == (5, payment)
    causes_add_up(house)


def test_realised_profit_reaches_the_collateral_and_the_closed_position_goes() -> None:
    house = House()
    short(house, fee=0)
    house.market(140 * USD)
    exit_order = intent(
        perp_order(Side.BUY, expected_px=140 * USD, limit_px=141 * USD, reduce_only=True), purpose=Purpose.EXIT
    )
    filled(house, exit_order, (WHOLE, 140 * USD))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", 10 * USD))
    assert house.book.perps == {}
    assert house.vault.deployed("funding", "USDC") == 1_010 * USD
    causes_add_up(house)


def test_a_position_closed_at_exactly_its_entry_goes_too() -> None:
    house = House()
    short(house, fee=0)
    filled(house, intent(perp_order(Side.BUY, reduce_only=True), purpose=Purpose.EXIT), (WHOLE, 150 * USD))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", 0))
    assert house.book.perps == {}


def test_interest_and_funding_without_a_position_still_reach_the_account() -> None:
    house = House()
    filled(house, intent(deposit(1_000)), (1_000 * USD, 1_000 * USD))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", -3 * USD, FeeKind.BORROW))
    house.feed(FundingSettled("funding", "SOL-PERP", "USDC", 1 * USD, -WHOLE, 0, 5))
    assert house.book.collateral_atoms(VENUE, "USDC") == house.vault.deployed("funding", "USDC") == 998 * USD
    assert house.book.pnl_micros[Cause.BORROW] == -3 * USD


def test_a_liquidation_shrinks_the_position_and_its_fee_is_paid() -> None:
    house = House()
    short(house, fee=0)
    house.feed(Liquidated("funding", "SOL-PERP", WHOLE, 900 * USD, 13_500_000))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", -750 * USD))
    assert house.book.perps == {}
    assert house.vault.deployed("funding", "USDC") == 1_000 * USD - 13_500_000 - 750 * USD
    causes_add_up(house)


def test_a_loss_beyond_the_collateral_takes_what_is_there_and_nothing_else() -> None:
    house = House()
    short(house, fee=0)
    house.feed(Liquidated("funding", "SOL-PERP", WHOLE, 1_400 * USD, 0))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", -1_250 * USD))
    assert house.vault.deployed("funding", "USDC") == house.book.collateral_atoms(VENUE, "USDC") == 0
    assert house.vault.available("funding", "USDC") == 9_000 * USD
    assert set(house.sums().values()) <= {0}


def test_a_second_loss_with_nothing_left_takes_nothing() -> None:
    house = House()
    short(house, fee=0)
    house.feed(Liquidated("funding", "SOL-PERP", WHOLE, 1_400 * USD, 0))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", -1_250 * USD))
    house.feed(PnlSettled("funding", "SOL-PERP", "USDC", -5 * USD))
    assert house.vault.deployed("funding", "USDC") == house.book.collateral_atoms(VENUE, "USDC") == 0
    assert set(house.sums().values()) <= {0}


def cycle() -> Intent:
    there = Swap("SOL/USDC", "pool", "USDC", "SOL", 150 * USD, WHOLE, 990_000_000)
    back = Swap("SOL/USDC", "other", "SOL", "USDC", WHOLE, 151 * USD, 150 * USD)
    return intent(there, back, policy=Policy.ATOMIC)


def test_a_cycle_books_what_went_in_and_what_came_out() -> None:
    house = House()
    house.feed(PoolUpdated("other", "dex", "SOL", "USDC", 10**14, 151 * 10**11, 25, 10_000, 0))
    order = house.order(cycle())
    assert house.vault.reserved("funding", "USDC") == 150 * USD, "only the first leg's input is set aside"
    legs = (LegReport(0, S.FILLED, 150 * USD, WHOLE), LegReport(1, S.FILLED, WHOLE, 151 * USD))
    house.feed(OrderReported(order.id, legs))
    assert house.vault.engine_assets("funding") == {"SOL": 20 * WHOLE, "USDC": 10_001 * USD}
    assert house.vault.deployed("funding", "SOL") == 0
    house.now_ns += 10 * SECOND
    house.market()
    order = house.order(cycle())
    house.feed(OrderReported(order.id, (LegReport(0, S.REJECTED), LegReport(1, S.REJECTED))))
    assert house.vault.engine_assets("funding") == {"SOL": 20 * WHOLE, "USDC": 10_001 * USD}


def test_chain_fees_tips_and_rent_are_paid_in_sol_and_the_rest_is_freed() -> None:
    house = House()
    order = house.order(intent(buy(150), priority_lamports=10_000, tip_lamports=20_000))
    fees = tuple(
        Fee(kind, "SOL", atoms)
        for kind, atoms in (
            (FeeKind.BASE, 5_000),
            (FeeKind.PRIORITY, 10_000),
            (FeeKind.TIP, 20_000),
            (FeeKind.RENT, 2_039_280),
        )
    )
    house.report(order, S.FILLED, 150 * USD, WHOLE, chain_fees=fees)
    assert house.vault.available("funding", "SOL") == 20 * WHOLE - 2_074_280
    assert house.vault.balance(RENT, "SOL") == 2_039_280
    assert house.vault.reserved("funding", "SOL") == 0
    assert house.book.pnl_micros[Cause.TIPS] == -3_000
    causes_add_up(house)


def test_a_stake_pools_growth_is_staking_income() -> None:
    house = House()
    filled(house, intent(buy(150), position_id="p"), (150 * USD, WHOLE))
    reading = StakePoolRead("SOL", 1_000 * WHOLE, 1_000 * WHOLE, 1, 1, 2**62, 0, 0, 0)
    house.feed(reading)
    house.feed(StakePoolRead("SOL", 1_001 * WHOLE, 1_000 * WHOLE, 2, 2, 2**62, 0, 0, 0))
    assert house.book.pnl_micros[Cause.STAKING] == 21_000_000 // 1_000 * 150


def test_equity_is_unknown_while_a_price_is_missing() -> None:
    house = House()
    short(house, fee=0)
    assert house.kernel.accounting.equity_micros("funding") == 13_000 * USD
    del house.kernel.view.oracles["SOL-PERP"]
    assert house.kernel.accounting.equity_micros("funding") is None
    assert house.kernel.accounting.pnl_by_cause_micros("funding") == {}


def test_equity_moves_with_the_short_against_the_spot() -> None:
    house = House(sol=1)
    short(house, fee=0)
    before = house.kernel.accounting.equity_micros("funding")
    house.market(SOL_PX * 2)
    assert house.kernel.accounting.equity_micros("funding") == before, "one SOL held, one SOL short"
