"""Two ways in which an earlier system lost count of money, held here as tests."""

import inspect

import pytest

from phantom_arbiter.core.ledger import AVAILABLE, DEPLOYED, EXTERNAL, FEE, MARKET, Posting, Shortfall
from phantom_arbiter.core.reservation import Source
from phantom_arbiter.core.vault import ForeignAccountError, VaultManager


def vault_with_100_sol() -> VaultManager:
    vault = VaultManager()
    vault.deposit("d", "SOL", 100, ts_ns=1)
    vault.fund("f", "arb", "SOL", 100, ts_ns=1)
    return vault


def test_a_refused_reserve_credits_nothing() -> None:
    vault = vault_with_100_sol()
    before = vault.state()
    refusal = vault.reserve("r", "arb", "SOL", 101, Source.AVAILABLE, 9, ts_ns=2)
    assert isinstance(refusal, Shortfall)
    assert (refusal.engine, refusal.asset, refusal.wanted_atoms, refusal.free_atoms) == ("arb", "SOL", 101, 100)
    assert vault.state() == before


def test_a_refused_debit_credits_nothing() -> None:
    """The fee cannot be paid, so the proceeds that came with it are not booked either."""
    vault = vault_with_100_sol()
    vault.reserve("r", "arb", "SOL", 60, Source.AVAILABLE, 9, ts_ns=2)
    before = vault.state()
    sale = (
        Posting(AVAILABLE["arb"], "USDC", 5_000),
        Posting(MARKET, "USDC", -5_000),
        Posting(MARKET, "SOL", 60),
        Posting(AVAILABLE["arb"], "jitoSOL", -1),
        Posting(FEE["tip"], "jitoSOL", 1),
    )
    assert vault.post("r", 60, sale, ts_ns=3) == Shortfall(AVAILABLE["arb"], "jitoSOL", 1, 0)
    assert vault.state() == before
    assert vault.reservation("r") is not None, "still open: it can be posted correctly"


@pytest.mark.parametrize("other", [AVAILABLE["lst"], DEPLOYED["scalp"], EXTERNAL])
def test_a_post_to_a_foreign_account_changes_nothing(other: object) -> None:
    vault = vault_with_100_sol()
    vault.reserve("r", "arb", "SOL", 60, Source.AVAILABLE, 9, ts_ns=2)
    before = vault.state()
    with pytest.raises(ForeignAccountError):
        vault.post("r", 60, (Posting(other, "SOL", 60),), ts_ns=3)  # type: ignore[arg-type]
    assert vault.state() == before


def test_no_read_adds_atoms_of_different_assets() -> None:
    """One SOL is 1e9 atoms and one dollar 1e6: every read that answers with a number asks for the asset."""
    reads = {
        name: inspect.signature(method, eval_str=True)
        for name, method in inspect.getmembers(VaultManager, inspect.isfunction)
        if not name.startswith("_")
    }
    numeric = {name for name, signature in reads.items() if signature.return_annotation is int}
    assert numeric == {"available", "reserved", "deployed", "balance"}
    assert all("asset" in reads[name].parameters for name in (*numeric, "totals"))


def test_an_engine_with_sol_and_dollars_owns_two_amounts_not_one() -> None:
    vault = vault_with_100_sol()
    vault.deposit("d2", "USDC", 7, ts_ns=1)
    vault.fund("f2", "arb", "USDC", 7, ts_ns=1)
    assert vault.engine_assets("arb") == {"SOL": 100, "USDC": 7}
    assert vault.totals("SOL").held_atoms == 100
    assert vault.totals("USDC").held_atoms == 7
