"""The vault: a reservation from `reserve` to its one resolution, and engine isolation."""

from collections.abc import Callable

import pytest

from phantom_arbiter.core import vault as module
from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.core.ledger import (
    AVAILABLE,
    DEPLOYED,
    EXTERNAL,
    FEE,
    INCOME,
    MARKET,
    RENT,
    RESERVED,
    TREASURY,
    Account,
    ConflictingIdError,
    Duplicate,
    Posting,
    Shortfall,
    Transaction,
    UnbalancedError,
    move,
)
from phantom_arbiter.core.reservation import Reservation, Source
from phantom_arbiter.core.vault import (
    ForeignAccountError,
    ReservationLimit,
    Totals,
    UnknownReservationError,
    VaultManager,
)

SPEND_60 = (Posting(MARKET, "SOL", 60), *move(MARKET, DEPLOYED["arb"], "USDC", 900))


@pytest.fixture
def vault() -> VaultManager:
    """arb holds 100 SOL available and 50 USDC deployed; lst holds 100 SOL available; treasury 800 SOL."""
    vault = VaultManager()
    vault.deposit("d-sol", "SOL", 1_000, ts_ns=1)
    vault.deposit("d-usdc", "USDC", 50, ts_ns=1)
    for engine in ("arb", "lst"):
        vault.fund(f"f-{engine}", engine, "SOL", 100, ts_ns=1)
    vault.fund("f-usdc", "arb", "USDC", 50, ts_ns=1)
    vault.record("deploy", "collateral", "arb", move(AVAILABLE["arb"], DEPLOYED["arb"], "USDC", 50), ts_ns=1)
    return vault


def reserve_100(vault: VaultManager, reservation_id: str = "r", expires_ns: int = 50) -> Reservation:
    reserved = vault.reserve(reservation_id, "arb", "SOL", 100, Source.AVAILABLE, expires_ns, ts_ns=10)
    assert isinstance(reserved, Reservation)
    return reserved


# Treasury


def test_deposit_fund_release_withdraw(vault: VaultManager) -> None:
    assert vault.totals("SOL") == Totals(800, 200, 0, 0, 0)
    assert isinstance(vault.release("b", "arb", "SOL", 30, ts_ns=2), Transaction)
    assert isinstance(vault.withdraw("w", "SOL", 830, ts_ns=3), Transaction)
    assert vault.available("arb", "SOL") == 70
    assert vault.totals("SOL").held_atoms == 170
    assert vault.balance(EXTERNAL, "SOL") == -170


def test_treasury_moves_are_refused_where_the_money_is_not(vault: VaultManager) -> None:
    before = vault.state()
    assert vault.fund("x", "lst", "SOL", 801, ts_ns=2) == Shortfall(TREASURY, "SOL", 801, 800)
    assert vault.release("x", "lst", "SOL", 101, ts_ns=2) == Shortfall(AVAILABLE["lst"], "SOL", 101, 100)
    assert vault.withdraw("x", "SOL", 801, ts_ns=2) == Shortfall(TREASURY, "SOL", 801, 800)
    assert vault.state() == before


def test_treasury_moves_are_idempotent(vault: VaultManager) -> None:
    before = vault.state()
    assert vault.fund("f-arb", "arb", "SOL", 100, ts_ns=9) == Duplicate("f-arb")
    with pytest.raises(ConflictingIdError):
        vault.fund("f-arb", "lst", "SOL", 100, ts_ns=9)
    assert vault.state() == before


@pytest.mark.parametrize("atoms", [0, -1, 1.0, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda vault, atoms: vault.deposit("x", "SOL", atoms, ts_ns=2),
        lambda vault, atoms: vault.withdraw("x", "SOL", atoms, ts_ns=2),
        lambda vault, atoms: vault.fund("x", "arb", "SOL", atoms, ts_ns=2),
        lambda vault, atoms: vault.release("x", "arb", "SOL", atoms, ts_ns=2),
        lambda vault, atoms: vault.reserve("x", "arb", "SOL", atoms, Source.AVAILABLE, 9, ts_ns=2),
    ],
)
def test_amounts_are_positive_integers(
    vault: VaultManager, call: Callable[[VaultManager, object], object], atoms: object
) -> None:
    with pytest.raises(ValueError, match="expected a positive int"):
        call(vault, atoms)


@pytest.mark.parametrize(
    "call",
    [
        lambda vault: vault.fund("x", "whale", "SOL", 1, ts_ns=2),
        lambda vault: vault.release("x", "whale", "SOL", 1, ts_ns=2),
        lambda vault: vault.reserve("x", "whale", "SOL", 1, Source.AVAILABLE, 9, ts_ns=2),
        lambda vault: vault.record("x", "k", "whale", (), ts_ns=2),
        lambda vault: vault.available("whale", "SOL"),
        lambda vault: vault.reserved("whale", "SOL"),
        lambda vault: vault.deployed("whale", "SOL"),
        lambda vault: vault.engine_assets("treasury"),
    ],
)
def test_an_unknown_engine_is_an_error(vault: VaultManager, call: Callable[[VaultManager], object]) -> None:
    with pytest.raises(ValueError, match="expected one of funding, lst, scalp, arb"):
        call(vault)


# Reserve


@pytest.mark.parametrize(("source", "asset", "atoms"), [(Source.AVAILABLE, "SOL", 100), (Source.DEPLOYED, "USDC", 50)])
def test_reserve_moves_source_to_reserved(vault: VaultManager, source: Source, asset: str, atoms: int) -> None:
    owned = vault.engine_assets("arb")
    reserved = vault.reserve("r", "arb", asset, atoms, source, 50, ts_ns=10)
    assert reserved == Reservation("r", "arb", asset, atoms, source, 10, 50)
    assert vault.recent()[-1] == reserved.opening
    assert vault.reserved("arb", asset) == atoms
    assert vault.available("arb", asset) + vault.deployed("arb", asset) == 0
    assert vault.engine_assets("arb") == owned


def test_what_is_reserved_is_not_free_any_more(vault: VaultManager) -> None:
    reserve_100(vault)
    again = vault.reserve("r2", "arb", "SOL", 1, Source.AVAILABLE, 50, ts_ns=10)
    assert again == Shortfall(AVAILABLE["arb"], "SOL", 1, 0)
    deployed = vault.reserve("r3", "arb", "SOL", 1, Source.DEPLOYED, 50, ts_ns=10)
    assert deployed == Shortfall(DEPLOYED["arb"], "SOL", 1, 0)


def test_a_reserve_sent_twice_reserves_once(vault: VaultManager) -> None:
    reserve_100(vault)
    vault.hold("r")
    before = vault.state()
    assert vault.reserve("r", "arb", "SOL", 100, Source.AVAILABLE, 50, ts_ns=11) == Duplicate("r:reserve")
    with pytest.raises(ConflictingIdError, match="'r'"):
        vault.reserve("r", "arb", "SOL", 100, Source.AVAILABLE, 51, ts_ns=11)
    assert vault.state() == before


def test_a_resolved_id_is_never_reserved_again(vault: VaultManager) -> None:
    reserve_100(vault)
    vault.void("r", ts_ns=11)
    before = vault.state()
    assert vault.reserve("r", "arb", "SOL", 100, Source.AVAILABLE, 50, ts_ns=12) == Duplicate("r:reserve")
    with pytest.raises(ConflictingIdError):
        vault.reserve("r", "arb", "SOL", 99, Source.AVAILABLE, 50, ts_ns=12)
    assert vault.state() == before


def test_a_resolution_is_remembered_after_its_opening_is_forgotten(
    vault: VaultManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phantom_arbiter.core.ledger.REMEMBERED_IDS", 2)
    reserve_100(vault)
    vault.deposit("x", "SOL", 1, ts_ns=11)
    vault.void("r", ts_ns=12)
    with pytest.raises(ConflictingIdError, match="already reserved and resolved"):
        vault.reserve("r", "arb", "SOL", 100, Source.AVAILABLE, 50, ts_ns=13)


def test_open_reservations_are_limited(vault: VaultManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LIVE_RESERVATIONS", 1)
    vault.reserve("r", "arb", "SOL", 1, Source.AVAILABLE, 50, ts_ns=10)
    before = vault.state()
    assert vault.reserve("r2", "lst", "SOL", 1, Source.AVAILABLE, 50, ts_ns=10) == ReservationLimit(1)
    assert vault.state() == before


# Post


def test_post_spends_and_returns_the_rest_in_one_transaction(vault: VaultManager) -> None:
    reserve_100(vault)
    posted = vault.post("r", 60, SPEND_60, ts_ns=20)
    assert isinstance(posted, Transaction)
    assert (posted.id, posted.kind, posted.ts_ns) == ("r:resolve", "post", 20)
    assert vault.engine_assets("arb") == {"SOL": 40, "USDC": 950}
    assert (vault.available("arb", "SOL"), vault.reserved("arb", "SOL")) == (40, 0)
    assert vault.balance(MARKET, "SOL") == 60
    assert vault.balance(MARKET, "USDC") == -900
    assert vault.reservation("r") is None


def test_post_may_spend_everything_and_pay_fees_and_rent_from_it(vault: VaultManager) -> None:
    reserve_100(vault)
    postings = (
        Posting(MARKET, "SOL", 80),
        Posting(FEE["tip"], "SOL", 5),
        Posting(FEE["rent"], "SOL", 15),
        *move(MARKET, AVAILABLE["arb"], "jitoSOL", 70),
    )
    assert isinstance(vault.post("r", 100, postings, ts_ns=20), Transaction)
    assert vault.balance(RENT, "SOL") == 15
    assert vault.totals("SOL") == Totals(800, 100, 0, 0, 15)
    assert vault.engine_assets("arb") == {"USDC": 50, "jitoSOL": 70}


def test_a_failed_order_posts_nothing_but_its_fee(vault: VaultManager) -> None:
    vault.reserve("r", "arb", "USDC", 50, Source.DEPLOYED, 50, ts_ns=10)
    assert isinstance(
        vault.post("r", 0, move(AVAILABLE["arb"], FEE["base"], "SOL", 5), ts_ns=20),
        Transaction,
    )
    assert vault.deployed("arb", "USDC") == 50
    assert vault.available("arb", "SOL") == 95


def test_post_cannot_draw_more_than_was_reserved(vault: VaultManager) -> None:
    vault.reserve("r", "arb", "SOL", 50, Source.AVAILABLE, 50, ts_ns=10)
    before = vault.state()
    refusal = Shortfall(RESERVED["arb"], "SOL", 51, 50)
    assert vault.post("r", 51, (Posting(MARKET, "SOL", 51),), ts_ns=20) == refusal
    past_it = (Posting(AVAILABLE["arb"], "SOL", -1), Posting(MARKET, "SOL", 51))
    assert vault.post("r", 50, past_it, ts_ns=20) == refusal
    assert vault.state() == before
    within = (Posting(AVAILABLE["arb"], "SOL", -1), Posting(MARKET, "SOL", 50))
    assert isinstance(vault.post("r", 49, within, ts_ns=20), Transaction)
    assert vault.available("arb", "SOL") == 50


def test_post_must_say_where_the_spent_atoms_went(vault: VaultManager) -> None:
    reserve_100(vault)
    before = vault.state()
    with pytest.raises(UnbalancedError, match="SOL sums to -1"):
        vault.post("r", 61, SPEND_60, ts_ns=20)
    with pytest.raises(ValueError, match="spent_atoms"):
        vault.post("r", -1, (), ts_ns=20)
    with pytest.raises(ValueError, match="spent_atoms"):
        vault.post("r", 1.0, (), ts_ns=20)  # type: ignore[arg-type]
    assert vault.state() == before


@pytest.mark.parametrize("account", [AVAILABLE["lst"], DEPLOYED["lst"], RESERVED["lst"], RESERVED["arb"], TREASURY])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_engine_posts_to_its_own_accounts_only(vault: VaultManager, account: Account, sign: int) -> None:
    reserve_100(vault)
    before = vault.state()
    postings = (Posting(account, "SOL", sign), Posting(MARKET, "SOL", 60 - sign))
    with pytest.raises(ForeignAccountError, match=f"'arb' may not post to {account.owner}:{account.bucket}"):
        vault.post("r", 60, postings, ts_ns=20)
    with pytest.raises(ForeignAccountError):
        vault.record("x", "funding", "arb", postings, ts_ns=20)
    assert vault.state() == before


# One resolution


@pytest.mark.parametrize("first", ["post", "void", "expire"])
def test_a_reservation_resolves_once(vault: VaultManager, first: str) -> None:
    resolve: dict[str, Callable[[], object]] = {
        "post": lambda: vault.post("r", 60, SPEND_60, ts_ns=60),
        "void": lambda: vault.void("r", ts_ns=60),
        "expire": lambda: vault.expire(60),
    }
    reserve_100(vault)
    resolve[first]()
    before = vault.state()
    assert resolve[first]() == ({} if first == "expire" else Duplicate("r:resolve"))
    for other in {"post", "void"} - {first}:
        with pytest.raises(ConflictingIdError, match="r:resolve"):
            resolve[other]()
    with pytest.raises(ConflictingIdError):
        vault.post("r", 59, SPEND_60, ts_ns=60)
    assert vault.expire(10**9) == {}
    assert vault.state() == before


def test_an_unknown_reservation_is_an_error(vault: VaultManager) -> None:
    with pytest.raises(UnknownReservationError, match="'nope'"):
        vault.post("nope", 0, (), ts_ns=1)
    with pytest.raises(UnknownReservationError):
        vault.void("nope", ts_ns=1)
    with pytest.raises(UnknownReservationError):
        vault.hold("nope")


def test_void_returns_everything(vault: VaultManager) -> None:
    before = vault.balances()
    reserve_100(vault)
    voided = vault.void("r", ts_ns=20)
    assert isinstance(voided, Transaction)
    assert voided.kind == "void"
    assert vault.balances() == before


# Expiry


def test_expire_takes_the_due_ones_in_order(vault: VaultManager) -> None:
    for name, expires_ns in (("late", 90), ("b", 50), ("a", 50), ("first", 40)):
        vault.reserve(name, "arb", "SOL", 10, Source.AVAILABLE, expires_ns, ts_ns=10)
    assert vault.expire(39) == {}
    expired = vault.expire(50)
    assert list(expired) == ["first", "a", "b"]
    assert {transaction.kind for transaction in expired.values()} == {"expire"}
    assert {transaction.ts_ns for transaction in expired.values()} == {50}
    assert [reservation.id for reservation in vault.reservations()] == ["late"]
    assert vault.available("arb", "SOL") == 90
    assert list(vault.expire(90)) == ["late"]
    assert vault.expire(10**9) == {}


def test_a_reservation_added_later_can_be_due_sooner(vault: VaultManager) -> None:
    vault.reserve("late", "arb", "SOL", 1, Source.AVAILABLE, 90, ts_ns=10)
    vault.reserve("soon", "arb", "SOL", 1, Source.AVAILABLE, 20, ts_ns=11)
    assert list(vault.expire(20)) == ["soon"]


@pytest.mark.parametrize("end", ["post", "void"])
def test_an_order_of_unknown_outcome_keeps_its_reservation(vault: VaultManager, end: str) -> None:
    reserve_100(vault)
    assert vault.hold("r").held
    assert vault.hold("r").held, "holding twice is holding once"
    assert vault.expire(10**18) == {}
    assert vault.reserved("arb", "SOL") == 100
    resolved = vault.post("r", 60, SPEND_60, ts_ns=99) if end == "post" else vault.void("r", ts_ns=99)
    assert isinstance(resolved, Transaction)
    with pytest.raises(UnknownReservationError):
        vault.hold("r")


# Outside of orders


def test_record_books_a_funding_payment_both_ways(vault: VaultManager) -> None:
    received = vault.record("fp-1", "funding", "arb", move(INCOME["funding"], DEPLOYED["arb"], "USDC", 3), ts_ns=2)
    assert isinstance(received, Transaction)
    assert received.kind == "funding"
    assert vault.deployed("arb", "USDC") == 53
    assert vault.balance(INCOME["funding"], "USDC") == -3, "income stands negative"
    vault.record("fp-2", "funding", "arb", move(DEPLOYED["arb"], INCOME["funding"], "USDC", 8), ts_ns=2)
    assert vault.deployed("arb", "USDC") == 45
    refused = vault.record("fp-3", "funding", "arb", move(DEPLOYED["arb"], INCOME["funding"], "USDC", 46), ts_ns=2)
    assert refused == Shortfall(DEPLOYED["arb"], "USDC", 46, 45)


def test_every_engine_has_the_same_accounts() -> None:
    assert set(ENGINE_IDS) == set(AVAILABLE) == set(RESERVED) == set(DEPLOYED) == set(module.ENGINE_SCOPE)
