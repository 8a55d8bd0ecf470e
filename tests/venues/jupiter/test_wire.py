"""Jupiter's /build: the question, and what of an answer may come near a wallet."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from solders.pubkey import Pubkey

from phantom_arbiter.venues.jupiter import wire
from phantom_arbiter.venues.jupiter.wire import BuildRequest
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

SOL, USDC = "So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TAKER, OTHER, TABLE = (str(Pubkey.from_bytes(bytes([number] * 32))) for number in (3, 4, 5))
REQUEST = BuildRequest(SOL, USDC, 10**9, TAKER, 50)
ASSOCIATED = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"


def meta(key: str = OTHER, writable: bool = True, signer: bool = False) -> dict[str, Any]:
    return {"pubkey": key, "isWritable": writable, "isSigner": signer}


def instruction(program: str, *accounts: dict[str, Any], data: bytes = b"\x01\x02") -> dict[str, Any]:
    return {"programId": program, "accounts": list(accounts), "data": b64encode(data).decode()}


def answer(**changes: Any) -> bytes:
    body = {
        "inputMint": SOL,
        "outputMint": USDC,
        "inAmount": str(10**9),
        "outAmount": "79109650",
        "otherAmountThreshold": "78714101",
        "swapMode": "ExactIn",
        "slippageBps": 50,
        "routePlan": [{"swapInfo": {}, "percent": 100, "bps": 10_000}],
        "computeBudgetInstructions": [instruction("ComputeBudget111111111111111111111111111111")],
        "setupInstructions": [instruction(ASSOCIATED, meta(TAKER, signer=True), meta(), data=b"\x01")],
        "swapInstruction": instruction(str(wire.PROGRAM), meta(TAKER, False, True), meta()),
        "cleanupInstruction": None,
        "otherInstructions": [],
        "tipInstruction": None,
        "addressesByLookupTableAddress": {TABLE: [OTHER, SOL]},
        "blockhashWithMetadata": {"blockhash": [1] * 32, "lastValidBlockHeight": 1},
    }
    return msgspec.json.encode(body | changes)


def test_the_question() -> None:
    request = BuildRequest(SOL, USDC, 10**9, TAKER, 50, 30, ("Meteora DLMM", "Whirlpool"), fast=True)
    parts = urlsplit(wire.build_target(request))
    assert parts.path == "/swap/v2/build"
    assert {name: value for name, (value,) in parse_qs(parts.query).items()} == {
        "inputMint": SOL,
        "outputMint": USDC,
        "amount": "1000000000",
        "taker": TAKER,
        "slippageBps": "50",
        "maxAccounts": "30",
        "wrapAndUnwrapSol": "false",
        "forJitoBundle": "true",
        "dexes": "Meteora DLMM,Whirlpool",
        "mode": "fast",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_atoms": 0}, "in_atoms: got 0, expected 1 to 18446744073709551615"),
        ({"slippage_bps": 10_001}, "slippage_bps: got 10001, expected 0 to 10000"),
        ({"max_accounts": 65}, "max_accounts: got 65, expected 1 to 64"),
    ],
)
def test_a_question_out_of_range(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(REQUEST, **change)


def test_the_answer_as_instructions() -> None:
    swap = wire.parse_build(answer(), REQUEST)
    assert (swap.in_atoms, swap.expected_out_atoms, swap.min_out_atoms) == (10**9, 79_109_650, 78_714_101)
    assert swap.swap.program_id == wire.PROGRAM
    assert swap.swap.data == b"\x01\x02"
    flags = [(str(one.pubkey), one.is_signer, one.is_writable) for one in swap.swap.accounts]
    assert flags == [(TAKER, True, False), (OTHER, False, True)]
    assert [str(one.program_id) for one in swap.before] == [ASSOCIATED]
    (table,) = swap.lookup_tables
    assert (str(table.key), [str(one) for one in table.addresses]) == (TABLE, [OTHER, SOL])
    assert wire.parse_build(answer(addressesByLookupTableAddress=None), REQUEST).lookup_tables == ()


def test_a_refusal_in_jupiters_words() -> None:
    assert wire.parse_refusal(b'{"error":"No routes found"}') == "No routes found"


SWAP = instruction(str(wire.PROGRAM), meta())
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"inputMint": USDC}, f"inputMint: got '{USDC}', expected {SOL}, as was asked"),
    ({"outputMint": SOL}, f"outputMint: got '{SOL}', expected {USDC}, as was asked"),
    ({"inAmount": "999"}, "inAmount: got '999', expected 1000000000, as was asked"),
    ({"outAmount": "78714100"}, "otherAmountThreshold: got 78714101, expected 1 to outAmount"),
    ({"otherAmountThreshold": "0"}, "otherAmountThreshold: got 0"),
    ({"outAmount": "99999999999999999999"}, "of at most 64 bits"),
    ({"outAmount": 5}, "outAmount: got 5, expected `str`"),
    ({"swapMode": "ExactOut"}, "swapMode: got 'ExactOut'"),
    ({"swapInstruction": SWAP | {"programId": OTHER}}, f"swapInstruction.programId: got '{OTHER}', expected JUP6"),
    ({"swapInstruction": SWAP | {"data": "???"}}, "swapInstruction.data: got '???', expected base64"),
    ({"swapInstruction": instruction(str(wire.PROGRAM), meta(OTHER, signer=True))}, "no signer but the taker"),
    ({"swapInstruction": instruction(str(wire.PROGRAM), meta("0" * 32))}, "pubkey: got '00"),
    ({"swapInstruction": instruction(str(wire.PROGRAM), *[meta()] * 65)}, "swapInstruction.accounts: got"),
    ({"setupInstructions": [SWAP]}, f"setupInstructions[0].programId: got '{wire.PROGRAM}', expected ATokenG"),
    ({"setupInstructions": [instruction(ASSOCIATED, data=b"\x02")]}, "setupInstructions[0].data: got b"),
    ({"otherInstructions": [SWAP]}, "otherInstructions: got"),
    ({"cleanupInstruction": SWAP}, "cleanupInstruction: got"),
    ({"tipInstruction": SWAP}, "tipInstruction: got"),
    ({"addressesByLookupTableAddress": {TABLE: [OTHER] * 257}}, f"{TABLE}: got '257 addresses', expected at most 256"),
    ({"addressesByLookupTableAddress": {TABLE: ["l" * 32]}}, f"{TABLE}[0]: got 'lll"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_answer_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        wire.parse_build(answer(**changes), REQUEST)
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /swap/v2/build"


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    def parse(body: bytes) -> object:
        return wire.parse_build(body, REQUEST)

    assert survives(parse, answer(), damage)
