"""What a reservation knows about its own two transactions."""

import msgspec
import pytest

from phantom_arbiter.core.ledger import AVAILABLE, DEPLOYED, MARKET, RESERVED, Posting, UnbalancedError, move
from phantom_arbiter.core.reservation import Reservation, Source

ORDER = Reservation("order-1", "lst", "SOL", 100, Source.DEPLOYED, reserved_ns=5, expires_ns=9)


def test_the_opening_moves_source_to_reserved() -> None:
    opening = ORDER.opening
    assert (opening.id, opening.ts_ns, opening.kind) == ("order-1:reserve", 5, "reserve")
    assert opening.postings == move(DEPLOYED["lst"], RESERVED["lst"], "SOL", 100)


def test_the_closing_empties_reserved_and_returns_the_rest() -> None:
    closing = ORDER.closing("post", 60, (Posting(MARKET, "SOL", 60),), ts_ns=7)
    assert closing.id == "order-1:resolve"
    assert closing.postings == (
        Posting(RESERVED["lst"], "SOL", -100),
        Posting(DEPLOYED["lst"], "SOL", 40),
        Posting(MARKET, "SOL", 60),
    )
    with pytest.raises(UnbalancedError, match="SOL sums to -1"):
        ORDER.closing("post", 60, (Posting(MARKET, "SOL", 59),), ts_ns=7)


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "arb"},
        {"asset": "USDC"},
        {"atoms": 99},
        {"source": Source.AVAILABLE},
        {"expires_ns": 10},
    ],
)
def test_terms_are_what_was_asked_for(change: dict[str, object]) -> None:
    assert msgspec.structs.replace(ORDER, **change).terms != ORDER.terms


def test_terms_ignore_when_it_was_asked_and_the_hold() -> None:
    assert msgspec.structs.replace(ORDER, reserved_ns=6, held=True).terms == ORDER.terms


def test_drawn_past_counts_only_own_debits_of_the_reserved_asset() -> None:
    postings = (
        Posting(AVAILABLE["lst"], "SOL", -3),
        Posting(DEPLOYED["lst"], "SOL", -4),
        Posting(AVAILABLE["lst"], "SOL", 50),
        Posting(AVAILABLE["lst"], "USDC", -9),
        Posting(MARKET, "SOL", -43),
    )
    assert ORDER.drawn_past(postings) == 7
