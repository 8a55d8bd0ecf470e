"""One transaction: its instructions in order, its limits with numbers, lookup tables, and what it bids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.dex.compute_units import TRANSACTION_UNITS
from phantom_arbiter.venues.solana.instructions.order import TOKEN_PROGRAM
from phantom_arbiter.venues.solana.instructions.tokens import create_token_account
from phantom_arbiter.venues.solana.swaps import EncodedSwap
from phantom_arbiter.venues.solana.transaction import (
    Built,
    Guard,
    Tip,
    TransactionPlan,
    Unbuilt,
    build,
)
from tests.venues.solana.keys import named

PAYER, BASE, TIP_ACCOUNT, PROGRAM = (named(name) for name in ("payer", "base", "tip account", "program"))
BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
SYSTEM = Pubkey.default()


def swap(accounts: int = 3, units: int = 10_000, data: bytes = b"swap") -> EncodedSwap:
    metas = [AccountMeta(named(f"account {number}"), False, number % 2 == 0) for number in range(accounts)]
    return EncodedSwap(Instruction(PROGRAM, data, metas), units)


PLAN = TransactionPlan(PAYER, Hash.default(), (swap(),), Guard(BASE, 1_000), Tip(TIP_ACCOUNT, 5_000), 700)


def instructions(built: Built | Unbuilt) -> list[tuple[Pubkey, bytes]]:
    """Program and data of each."""
    assert isinstance(built, Built), built
    keys = built.message.account_keys
    return [(keys[one.program_id_index], bytes(one.data)) for one in built.message.instructions]


def test_everything_in_its_order() -> None:
    before, after = create_token_account(PAYER, named("mint")), Instruction(PROGRAM, b"after", [])
    plan = replace(PLAN, swaps=(swap(), swap(data=b"next")), before=(before,), after=(after,), other_units=500)
    units = 2 * 10_000 + 500 + TRANSACTION_UNITS
    built = build(plan)
    assert isinstance(built, Built)
    assert built.compute_units == units
    price = 700 * 10**6 // units
    assert instructions(built) == [
        (BUDGET, b"\x02" + units.to_bytes(4, "little")),
        (BUDGET, b"\x03" + price.to_bytes(8, "little")),
        (before.program_id, b"\x01"),
        (PROGRAM, b"swap"),
        (PROGRAM, b"next"),
        (SYSTEM, b"\x02\0\0\0" + (5_000).to_bytes(8, "little")),
        (TOKEN_PROGRAM, b"\x03" + (1_000).to_bytes(8, "little")),
        (PROGRAM, b"after"),
    ]


def test_the_guard_moves_the_base_account_to_itself() -> None:
    built = build(PLAN)
    assert isinstance(built, Built)
    keys = built.message.account_keys
    guard = built.message.instructions[-1]
    assert [keys[index] for index in guard.accounts] == [BASE, BASE, PAYER]


def test_no_tip_no_transfer() -> None:
    assert SYSTEM not in [program for program, _ in instructions(build(replace(PLAN, tip=None)))]


@given(st.integers(0, 10**9), st.integers(1, 1_300_000))
def test_the_priority_fee_is_never_more_than_the_bid(lamports: int, units: int) -> None:
    built = build(replace(PLAN, priority_lamports=lamports, swaps=(swap(units=units),)))
    assert isinstance(built, Built)
    price = int.from_bytes(instructions(built)[1][1][1:], "little")
    paid = -(-price * built.compute_units // 10**6)  # up, as the chain
    assert paid <= lamports < paid + built.compute_units / 10**6 + 1


def test_the_size_is_that_of_the_signed_bytes() -> None:
    built = build(PLAN)
    assert isinstance(built, Built)
    # signatures 1 + 64; version, header 1 + 3; keys 1 + 10·32; blockhash 32; instructions 1 + …; no tables 1
    sizes = [1 + 1 + accounts + 1 + data for accounts, data in ((0, 5), (0, 9), (3, 4), (2, 12), (3, 9))]
    assert len(built.message.account_keys) == 10 == built.account_locks
    assert built.size_bytes == 65 + 4 + 321 + 32 + 1 + sum(sizes) + 1


def test_a_lookup_table_takes_all_but_what_signs_and_runs() -> None:
    looked_up = [named(f"account {number}") for number in range(40)] + [BASE]
    table = AddressLookupTableAccount(named("table"), looked_up)
    large = replace(PLAN, swaps=(swap(40),))
    built = build(replace(large, lookup_tables=(table,)))
    assert build(large) == Unbuilt("the transaction has 1707 bytes, 1232 are allowed")
    assert isinstance(built, Built)
    assert [str(key) for key in built.message.account_keys if key in looked_up] == []
    assert built.size_bytes < 600
    assert built.account_locks == 47


def limits() -> list[tuple[TransactionPlan, str]]:
    many = [named(f"account {number}") for number in range(60)]
    tables = (AddressLookupTableAccount(named("table"), many),)
    signer = EncodedSwap(Instruction(PROGRAM, b"", [AccountMeta(named("other"), True, False)]), 1)
    return [
        (replace(PLAN, swaps=()), "there is no swap"),
        (replace(PLAN, swaps=(swap(58),), lookup_tables=tables), "the transaction locks 65 accounts, 64 are allowed"),
        (replace(PLAN, swaps=(swap(data=bytes(900)),)), "the transaction has 1383 bytes, 1232 are allowed"),
        (replace(PLAN, swaps=(swap(units=1_394_001),)), "need 1400001 compute units, a transaction has 1400000"),
        (replace(PLAN, swaps=(swap(250),)), "accounts do not fit"),
        (replace(PLAN, swaps=(signer,)), "the transaction wants 2 signatures, expected the payer's alone"),
        (replace(PLAN, guard=Guard(BASE, 0)), "the guard asks for 0 atoms"),
        (replace(PLAN, guard=Guard(BASE, 2**64)), "the guard asks for 18446744073709551616 atoms"),
        (replace(PLAN, tip=Tip(TIP_ACCOUNT, 0)), "the tip is 0 lamports"),
        (replace(PLAN, priority_lamports=-1), "the priority fee is -1 lamports"),
        (
            replace(PLAN, lookup_tables=(AddressLookupTableAccount(named("table"), [TIP_ACCOUNT]),)),
            "a tip from a table does not count",
        ),
    ]


@pytest.mark.parametrize(("plan", "reason"), limits(), ids=[reason for _, reason in limits()])
def test_what_does_not_fit_is_told_with_numbers(plan: TransactionPlan, reason: str) -> None:
    answer = build(plan)
    assert isinstance(answer, Unbuilt)
    assert reason in answer.reason
