"""The book: balanced, all or nothing, idempotent, and the same after a restart."""

import msgspec
import numpy as np
import pytest

from phantom_arbiter.core import ledger as book
from phantom_arbiter.core.events import FeeKind
from phantom_arbiter.core.ledger import (
    AVAILABLE,
    CHART,
    DEPLOYED,
    EXTERNAL,
    FEE,
    HELD_ACCOUNTS,
    MARKET,
    MAX_ATOMS,
    RECENT_TRANSACTIONS,
    REMEMBERED_IDS,
    RENT,
    RESERVED,
    TREASURY,
    Account,
    Balance,
    ConflictingIdError,
    Duplicate,
    Ledger,
    LedgerState,
    Posting,
    Shortfall,
    Transaction,
    UnbalancedError,
    move,
)


def deposit(transaction_id: str, atoms: int, asset: str = "SOL", ts_ns: int = 1) -> Transaction:
    return Transaction(transaction_id, ts_ns, "deposit", move(EXTERNAL, TREASURY, asset, atoms))


def book_with(atoms: int) -> Ledger:
    ledger = Ledger()
    ledger.apply(deposit("opening", atoms))
    return ledger


def test_the_chart_holds_every_account_and_only_contra_accounts_may_go_negative() -> None:
    assert set(CHART) - set(HELD_ACCOUNTS) == {
        MARKET,
        EXTERNAL,
        *(Account("fees", name) for name in ("swap", "base", "priority", "tip", "borrow", "perp")),
        *(Account("income", name) for name in ("trading", "funding", "staking")),
    }
    assert FEE[FeeKind.RENT] == RENT, "rent comes back: it stays an asset"


def test_a_transaction_moves_every_balance_it_names() -> None:
    ledger = book_with(100)
    swap = Transaction(
        "swap",
        2,
        "post",
        (
            Posting(TREASURY, "SOL", -60),
            Posting(MARKET, "SOL", 59),
            Posting(FEE["base"], "SOL", 1),
            Posting(MARKET, "USDC", -900),
            Posting(DEPLOYED["arb"], "USDC", 900),
        ),
    )
    assert ledger.apply(swap) is swap
    assert ledger.balances() == (
        Balance("arb", "deployed", "USDC", 900),
        Balance("external", "flows", "SOL", -100),
        Balance("fees", "base", "SOL", 1),
        Balance("market", "conversion", "SOL", 59),
        Balance("market", "conversion", "USDC", -900),
        Balance("treasury", "cash", "SOL", 40),
    )


@pytest.mark.parametrize("residue_atoms", [1, -7])
def test_a_transaction_that_does_not_balance_cannot_exist(residue_atoms: int) -> None:
    postings = (*move(EXTERNAL, TREASURY, "SOL", 5), Posting(TREASURY, "USDC", residue_atoms))
    with pytest.raises(UnbalancedError, match=f"'t': USDC sums to \\{residue_atoms:+d} atoms") as caught:
        Transaction("t", 1, "deposit", postings)
    assert (caught.value.asset, caught.value.residue_atoms) == ("USDC", residue_atoms)


def test_balance_is_judged_for_each_asset_on_its_own() -> None:
    with pytest.raises(UnbalancedError, match="SOL"):
        Transaction("t", 1, "post", (Posting(MARKET, "SOL", 5), Posting(MARKET, "USDC", -5)))


@pytest.mark.parametrize("atoms", [1.0, True, np.int64(1), "1", MAX_ATOMS + 1, -MAX_ATOMS - 1])
def test_atoms_are_plain_integers_of_64_bits(atoms: object) -> None:
    with pytest.raises(ValueError, match=r"postings\[0\]\.atoms"):
        Transaction("t", 1, "deposit", (Posting(TREASURY, "SOL", atoms),))  # type: ignore[arg-type]


@pytest.mark.parametrize("asset", ["", "x" * 45])
def test_an_asset_needs_a_short_name(asset: str) -> None:
    with pytest.raises(ValueError, match=r"postings\[0\]\.asset"):
        deposit("t", 1, asset)


def test_an_account_outside_the_chart_is_refused() -> None:
    with pytest.raises(ValueError, match=r"postings\[1\]\.account.*swop"):
        Transaction("t", 1, "post", move(MARKET, Account("fees", "swop"), "SOL", 1))
    with pytest.raises(KeyError):
        Ledger().balance(Account("fees", "swop"), "SOL")


def test_a_transaction_decoded_from_the_journal_is_checked_again() -> None:
    good = deposit("t", 5)
    encoded = msgspec.json.encode(good)
    assert msgspec.json.decode(encoded, type=Transaction) == good
    with pytest.raises(msgspec.ValidationError, match="SOL sums to"):
        msgspec.json.decode(encoded.replace(b"-5", b"-4"), type=Transaction)


@pytest.mark.parametrize("account", sorted(HELD_ACCOUNTS))
def test_no_held_account_goes_below_zero(account: Account) -> None:
    ledger = Ledger()
    ledger.apply(Transaction("in", 1, "deposit", move(EXTERNAL, account, "SOL", 10)))
    before = ledger.state()
    # The credit comes first: a book that applied posting by posting would have kept it.
    refused = Transaction("out", 2, "withdraw", (Posting(EXTERNAL, "SOL", 11), Posting(account, "SOL", -11)))
    assert ledger.apply(refused) == Shortfall(account, "SOL", wanted_atoms=11, free_atoms=10)
    assert ledger.state() == before
    assert isinstance(ledger.apply(Transaction("out", 3, "w", move(account, EXTERNAL, "SOL", 10))), Transaction)


def test_a_shortfall_counts_the_net_change_of_an_account() -> None:
    ledger = book_with(10)
    through = (
        Posting(TREASURY, "SOL", -15),
        Posting(AVAILABLE["lst"], "SOL", 15),
        *move(MARKET, TREASURY, "SOL", 5),
    )
    assert isinstance(ledger.apply(Transaction("t", 2, "post", through)), Transaction)
    assert ledger.balance(TREASURY, "SOL") == 0


def test_a_balance_beyond_64_bits_is_an_error_and_changes_nothing() -> None:
    ledger = book_with(MAX_ATOMS)
    before = ledger.state()
    with pytest.raises(OverflowError, match="beyond"):
        ledger.apply(deposit("more", 1))
    assert ledger.state() == before


def test_the_same_transaction_again_is_a_duplicate_even_when_it_comes_later() -> None:
    ledger = book_with(100)
    before = ledger.state()
    assert ledger.apply(deposit("opening", 100, ts_ns=99)) == Duplicate("opening")
    assert ledger.state() == before


@pytest.mark.parametrize(
    "other",
    [
        deposit("opening", 101),
        deposit("opening", 100, asset="USDC"),
        Transaction("opening", 1, "gift", move(EXTERNAL, TREASURY, "SOL", 100)),
    ],
)
def test_an_id_used_for_something_else_is_an_error(other: Transaction) -> None:
    ledger = book_with(100)
    before = ledger.state()
    with pytest.raises(ConflictingIdError, match="'opening'"):
        ledger.apply(other)
    assert ledger.state() == before


def test_a_refused_transaction_may_be_tried_again_under_its_id() -> None:
    ledger = book_with(1)
    spend = Transaction("spend", 1, "fund", move(TREASURY, AVAILABLE["arb"], "SOL", 2))
    assert isinstance(ledger.apply(spend), Shortfall)
    ledger.apply(deposit("more", 1))
    assert ledger.apply(spend) is spend


def test_memory_and_tail_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "REMEMBERED_IDS", 3)
    ledger = Ledger()
    for number in range(RECENT_TRANSACTIONS + 1):
        ledger.apply(deposit(str(number), 1))
    state = ledger.state()
    assert [name for name, _ in state.remembered] == ["998", "999", "1000"]
    assert state.applied_count == RECENT_TRANSACTIONS + 1
    assert len(ledger.recent()) == RECENT_TRANSACTIONS
    assert ledger.recent()[-1].id == "1000"
    assert REMEMBERED_IDS == 8_192


def test_a_zero_balance_leaves_no_trace_in_the_state() -> None:
    ledger = book_with(7)
    ledger.apply(Transaction("out", 2, "withdraw", move(TREASURY, EXTERNAL, "SOL", 7)))
    assert ledger.balances() == ()
    assert ledger.assets(TREASURY) == {}


def test_the_state_survives_msgpack_and_still_knows_its_ids() -> None:
    ledger = book_with(7)
    ledger.apply(Transaction("fund", 2, "fund", move(TREASURY, RESERVED["arb"], "SOL", 3)))
    encoded = msgspec.msgpack.encode(ledger.state())
    restored = Ledger.from_state(msgspec.msgpack.decode(encoded, type=LedgerState))
    assert restored.state() == ledger.state()
    assert list(restored.digest_items()) == list(ledger.digest_items())
    assert restored.apply(deposit("opening", 7)) == Duplicate("opening")
    assert restored.recent() == ()


@pytest.mark.parametrize(
    ("balances", "message"),
    [
        ((Balance("treasury", "cash", "SOL", 5),), "SOL sums to"),
        ((Balance("treasury", "cash", "SOL", -5), Balance("external", "flows", "SOL", 5)), "negative"),
        ((Balance("treasury", "gold", "SOL", 0),), "chart"),
    ],
)
def test_a_state_that_is_no_book_is_refused(balances: tuple[Balance, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ledger.from_state(LedgerState(balances, 1, ()))


def test_the_digest_is_of_integers_and_strings_and_tells_books_apart() -> None:
    items = list(book_with(7).digest_items())
    assert {type(item) for item in items} == {int, str}
    assert items != list(book_with(8).digest_items())
    there_and_back = book_with(7)
    there_and_back.apply(Transaction("a", 2, "fund", move(TREASURY, AVAILABLE["arb"], "SOL", 1)))
    there_and_back.apply(Transaction("b", 3, "release", move(AVAILABLE["arb"], TREASURY, "SOL", 1)))
    assert there_and_back.balances() == book_with(7).balances()
    assert items != list(there_and_back.digest_items()), "the length of the history is in it"
