"""PumpSwap's accounts written field by field, after its IDL."""

from __future__ import annotations

import struct

from phantom_arbiter.dex.pump_swap_accounts import WRAPPED_SOL

BASE_MINT = b"\x07" * 32
# pump's authority for pools of BASE_MINT, derived with another implementation (solders)
AUTHORITY = bytes.fromhex("5ad2fc0f58a2e13dff1ce0096cc49b1e4ec1a1894e30bd849af7e259706c5a52")
STRANGER = b"\x09" * 32


def pool_bytes(
    *,
    creator: bytes = AUTHORITY,
    quote_mint: bytes = WRAPPED_SOL,
    coin_creator: bytes = STRANGER,
    mayhem: int = 0,
    cashback: int = 0,
    virtual_quote_reserves: int = 0,
    creator_fee_bps: int = 0,
    length: int = 300,
) -> bytes:
    """A ``Pool`` account; fields that lie beyond ``length`` are cut off."""
    head = bytes.fromhex("f19a6d0411b16dbc") + struct.pack("<BH", 255, 0) + creator + BASE_MINT + quote_mint
    head += b"\x0a" * 32 + b"\x0b" * 32 + b"\x0c" * 32 + struct.pack("<Q", 10**9) + coin_creator
    tail = struct.pack("<BB", mayhem, cashback) + virtual_quote_reserves.to_bytes(16, "little", signed=True)
    return (head + tail + struct.pack("<QB", creator_fee_bps, 0)).ljust(300, b"\0")[:length]


def global_bytes(*, disable_flags: int = 0, configurable: int = 0, length: int = 949) -> bytes:
    """A ``GlobalConfig`` account."""
    data = bytearray(949)
    data[:8] = bytes.fromhex("95089ccaa0fcb0d9")
    data[56], data[940] = disable_flags, configurable
    return bytes(data[:length])


def fees_bytes(flat: tuple[int, int, int], tiers: list[tuple[int, tuple[int, int, int]]], length: int = 4073) -> bytes:
    """A ``FeeConfig`` account: rates are (lp, protocol, creator) in bps."""
    data = bytes.fromhex("8f3492bbdb7b4c9b") + b"\xff" + STRANGER + struct.pack("<3QI", *flat, len(tiers))
    for market_cap, rates in tiers:
        data += market_cap.to_bytes(16, "little") + struct.pack("<3Q", *rates)
    return data.ljust(length, b"\0")


def vault_bytes(amount: int, *, mint: bytes = BASE_MINT, state: int = 1) -> bytes:
    """An SPL Token account."""
    return mint + STRANGER + struct.pack("<Q", amount) + bytes(36) + bytes((state,)) + bytes(56)


def mint_bytes(supply: int, *, initialized: int = 1) -> bytes:
    """An SPL Token mint of six decimals."""
    return bytes(36) + struct.pack("<QBB", supply, 6, initialized) + bytes(36)
