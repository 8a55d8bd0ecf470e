"""Jupiter's ``GET /swap/v2/build``: the question, and its answer as instructions to put in the place of our own.

What it answers will be signed with a wallet, so it is held to little: no signer but the taker, the swap by Jupiter's
own program, before it nothing but token accounts to be made, after it nothing (wrapping SOL and tips are ours). The
amounts inside of the swap's data are not read: no description of ``route_v2`` is at hand. The transaction's guard
stands behind them.

Source: the Swap API's OpenAPI 2.0.0 (``/build``).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from msgspec import Meta, Struct
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.venues.solana.instructions.tokens import ASSOCIATED_PROGRAM
from phantom_arbiter.venues.wire import CountText, WireError, decode

PATH: Final = "/swap/v2/build"
PROGRAM: Final = Pubkey.from_string("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4")
MAX_ACCOUNTS: Final = 64
MAX_TABLES: Final = 16
MAX_TABLE_ADDRESSES: Final = 256
MAX_DATA_BYTES: Final = 1_232

_BUILD: Final = f"GET {PATH}"
_CREATES: Final = (b"", b"\x00", b"\x01")
"""Creating an associated token account, told in three ways; the program can do more."""
_Key = Annotated[str, Meta(min_length=32, max_length=44)]


class BuildRequest(Struct, frozen=True, gc=False):
    """A swap of an exact input; mints and ``taker`` in base58. ``dexes``: only these, by Jupiter's labels; empty: all.

    ``fast`` gives up some of the price for an earlier answer. Raises ValueError for numbers out of range.
    """

    in_mint: str
    out_mint: str
    in_atoms: int
    taker: str
    slippage_bps: int
    max_accounts: int = MAX_ACCOUNTS
    dexes: tuple[str, ...] = ()
    fast: bool = False

    def __post_init__(self) -> None:
        limits = (("in_atoms", 1, MAX_U64), ("slippage_bps", 0, BPS), ("max_accounts", 1, MAX_ACCOUNTS))
        for name, lowest, highest in limits:
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name}: got {value}, expected {lowest} to {highest}")


class RoutedSwap(Struct, frozen=True):
    """Jupiter's swap: amounts in atoms, token accounts to make ``before`` it, the swap, its lookup tables."""

    in_atoms: int
    expected_out_atoms: int
    min_out_atoms: int
    before: tuple[Instruction, ...]
    swap: Instruction
    lookup_tables: tuple[AddressLookupTableAccount, ...]


class _Meta(Struct, frozen=True, rename="camel"):
    pubkey: _Key
    is_writable: bool
    is_signer: bool


class _Instruction(Struct, frozen=True, rename="camel"):
    program_id: _Key
    accounts: Annotated[tuple[_Meta, ...], Meta(max_length=MAX_ACCOUNTS)]
    data: Annotated[str, Meta(max_length=2 * MAX_DATA_BYTES)]


class _Answer(Struct, frozen=True, rename="camel"):
    input_mint: _Key
    output_mint: _Key
    in_amount: CountText
    out_amount: CountText
    other_amount_threshold: CountText
    swap_mode: Literal["ExactIn"]
    swap_instruction: _Instruction
    setup_instructions: Annotated[tuple[_Instruction, ...], Meta(max_length=8)] = ()
    other_instructions: tuple[Any, ...] = ()
    cleanup_instruction: Any = None
    tip_instruction: Any = None
    addresses_by_lookup_table_address: Annotated[dict[_Key, tuple[_Key, ...]], Meta(max_length=MAX_TABLES)] | None = (
        None
    )


class _Error(Struct, frozen=True):
    error: str


def build_target(request: BuildRequest) -> str:
    """Path and query of the question, without the host."""
    query = {
        "inputMint": request.in_mint,
        "outputMint": request.out_mint,
        "amount": str(request.in_atoms),
        "taker": request.taker,
        "slippageBps": str(request.slippage_bps),
        "maxAccounts": str(request.max_accounts),
        "wrapAndUnwrapSol": "false",
        "forJitoBundle": "true",
    }
    if request.dexes:
        query["dexes"] = ",".join(request.dexes)
    if request.fast:
        query["mode"] = "fast"
    return f"{PATH}?{urlencode(query)}"


def parse_refusal(body: bytes) -> str:
    """Why Jupiter builds nothing, in its words: the body of an answer with HTTP status 400."""
    return decode(_BUILD, body, _Error).error


def parse_build(body: bytes, request: BuildRequest) -> RoutedSwap:
    """The swap that was asked for.

    Refused as `WireError`: what breaks the format, another swap than the one asked for, a least output of nothing or
    above the expected one, and instructions that are held back above.
    """
    answer = decode(_BUILD, body, _Answer)
    _check_is_asked(answer, request)
    expected, least = int(answer.out_amount), int(answer.other_amount_threshold)
    if not 0 < least <= expected <= MAX_U64:
        raise WireError(_BUILD, "otherAmountThreshold", least, f"1 to outAmount, {expected}, of at most 64 bits")
    unasked = {
        "otherInstructions": answer.other_instructions,
        "cleanupInstruction": answer.cleanup_instruction,
        "tipInstruction": answer.tip_instruction,
    }
    for field, value in unasked.items():
        if value:
            raise WireError(_BUILD, field, value, "nothing: wrapping and tips are not asked for")
    before = [
        _instruction(f"setupInstructions[{index}]", one, ASSOCIATED_PROGRAM, request.taker)
        for index, one in enumerate(answer.setup_instructions)
    ]
    for index, one in enumerate(before):
        if one.data not in _CREATES:
            raise WireError(_BUILD, f"setupInstructions[{index}].data", one.data, "a token account to be made")
    return RoutedSwap(
        in_atoms=request.in_atoms,
        expected_out_atoms=expected,
        min_out_atoms=least,
        before=tuple(before),
        swap=_instruction("swapInstruction", answer.swap_instruction, PROGRAM, request.taker),
        lookup_tables=_tables(answer.addresses_by_lookup_table_address or {}),
    )


def _check_is_asked(answer: _Answer, request: BuildRequest) -> None:
    asked = {
        "inputMint": (answer.input_mint, request.in_mint),
        "outputMint": (answer.output_mint, request.out_mint),
        "inAmount": (answer.in_amount, str(request.in_atoms)),
    }
    for field, (came, wanted) in asked.items():
        if came != wanted:
            raise WireError(_BUILD, field, came, f"{wanted}, as was asked")


def _instruction(field: str, told: _Instruction, program: Pubkey, taker: str) -> Instruction:
    if told.program_id != str(program):
        raise WireError(_BUILD, f"{field}.programId", told.program_id, str(program))
    try:
        data = b64decode(told.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError(_BUILD, f"{field}.data", told.data, "base64") from error
    metas = []
    for index, account in enumerate(told.accounts):
        at = f"{field}.accounts[{index}]"
        if account.is_signer and account.pubkey != taker:
            raise WireError(_BUILD, f"{at}.isSigner", True, f"no signer but the taker, {taker}")
        metas.append(AccountMeta(_key(f"{at}.pubkey", account.pubkey), account.is_signer, account.is_writable))
    return Instruction(program, data, metas)


def _tables(told: dict[str, tuple[str, ...]]) -> tuple[AddressLookupTableAccount, ...]:
    tables = []
    for table, addresses in told.items():
        at = f"addressesByLookupTableAddress.{table}"
        if len(addresses) > MAX_TABLE_ADDRESSES:
            raise WireError(_BUILD, at, f"{len(addresses)} addresses", f"at most {MAX_TABLE_ADDRESSES}")
        keys = [_key(f"{at}[{index}]", address) for index, address in enumerate(addresses)]
        tables.append(AddressLookupTableAccount(_key(at, table), keys))
    return tuple(tables)


def _key(field: str, text: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError as error:
        raise WireError(_BUILD, field, text, "an address in base58") from error
