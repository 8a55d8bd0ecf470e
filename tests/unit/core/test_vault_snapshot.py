"""The vault as a whole: started afresh, written down, and brought back."""

import msgspec
import pytest

from phantom_arbiter.core.ledger import (
    AVAILABLE,
    MARKET,
    Balance,
    ConflictingIdError,
    Duplicate,
    Posting,
    Transaction,
    move,
)
from phantom_arbiter.core.reservation import Reservation, Source
from phantom_arbiter.core.vault import LiveReservations, VaultManager, VaultState


@pytest.fixture
def vault() -> VaultManager:
    """arb holds 100 SOL and lst 100 SOL, all available; treasury 800 SOL."""
    vault = VaultManager()
    vault.deposit("d-sol", "SOL", 1_000, ts_ns=1)
    for engine in ("arb", "lst"):
        vault.fund(f"f-{engine}", engine, "SOL", 100, ts_ns=1)
    return vault


def reserve_100(vault: VaultManager, reservation_id: str = "r", expires_ns: int = 50) -> None:
    reserved = vault.reserve(reservation_id, "arb", "SOL", 100, Source.AVAILABLE, expires_ns, ts_ns=10)
    assert isinstance(reserved, Reservation)


def test_reset_starts_a_fresh_book_and_shows_where_the_old_one_went(vault: VaultManager) -> None:
    reserve_100(vault)
    vault.post("r", 60, (Posting(MARKET, "SOL", 60), *move(MARKET, AVAILABLE["arb"], "USDC", 900)), ts_ns=20)
    reset = vault.reset("again", {"USDC": 1_000, "SOL": 5, "USDT": 0}, ts_ns=30)
    assert isinstance(reset, Transaction)
    assert Posting(MARKET, "SOL", -60) in reset.postings
    assert vault.balances() == (
        Balance("external", "flows", "SOL", -5),
        Balance("external", "flows", "USDC", -1_000),
        Balance("treasury", "cash", "SOL", 5),
        Balance("treasury", "cash", "USDC", 1_000),
    )
    after = vault.state()
    assert vault.reset("again", {"SOL": 5, "USDC": 1_000, "USDT": 0}, ts_ns=31) == Duplicate("again")
    with pytest.raises(ConflictingIdError):
        vault.reset("again", {"SOL": 6}, ts_ns=31)
    assert vault.state() == after


def test_reset_waits_for_open_reservations(vault: VaultManager) -> None:
    vault.reserve("b", "arb", "SOL", 1, Source.AVAILABLE, 50, ts_ns=10)
    vault.reserve("a", "arb", "SOL", 1, Source.AVAILABLE, 50, ts_ns=10)
    before = vault.state()
    assert vault.reset("again", {}, ts_ns=30) == LiveReservations(("a", "b"))
    assert vault.state() == before


@pytest.mark.parametrize("atoms", [-1, 0.5])
def test_reset_refuses_bad_balances(vault: VaultManager, atoms: object) -> None:
    before = vault.state()
    with pytest.raises(ValueError, match=r"balances\['SOL'\]"):
        vault.reset("again", {"USDC": 1, "SOL": atoms}, ts_ns=30)  # type: ignore[dict-item]
    assert vault.state() == before


def test_a_restored_vault_is_the_same_vault(vault: VaultManager) -> None:
    reserve_100(vault, "open", expires_ns=50)
    vault.reserve("held", "lst", "SOL", 7, Source.AVAILABLE, 40, ts_ns=10)
    vault.hold("held")
    encoded = msgspec.msgpack.encode(vault.state())
    restored = VaultManager.from_state(msgspec.msgpack.decode(encoded, type=VaultState))
    assert restored.state() == vault.state()
    assert list(restored.digest_items()) == list(vault.digest_items())
    assert restored.fund("f-arb", "arb", "SOL", 100, ts_ns=60) == Duplicate("f-arb")
    assert restored.expire(60) == vault.expire(60)
    assert restored.state() == vault.state()


@pytest.mark.parametrize("reservations", [(), (Reservation("r", "arb", "SOL", 99, Source.AVAILABLE, 10, 50),)])
def test_a_state_whose_reservations_do_not_match_its_book_is_refused(
    vault: VaultManager, reservations: tuple[Reservation, ...]
) -> None:
    reserve_100(vault)
    state = msgspec.structs.replace(vault.state(), reservations=reservations)
    with pytest.raises(ValueError, match="open reservations sum to"):
        VaultManager.from_state(state)


def test_the_digest_sees_a_hold_and_holds_no_float(vault: VaultManager) -> None:
    reserve_100(vault)
    before = list(vault.digest_items())
    vault.hold("r")
    after = list(vault.digest_items())
    assert before != after
    assert {type(item) for item in after} == {int, str}
