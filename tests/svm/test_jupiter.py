"""A leg as Jupiter's /build answers it, on Jupiter's own program: the same pool, the same output, the same guard.

``jupiter_v6.so`` in ``PHANTOM_PROGRAMS_DIR``. That build has ``route``, not yet the ``route_v2`` of today's answers.
"""

from __future__ import annotations

from base64 import b64encode

import msgspec
import pytest
from solders.instruction import AccountMeta
from solders.token.associated import get_associated_token_address

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import quote
from phantom_arbiter.venues.jupiter.wire import PROGRAM, BuildRequest, parse_build
from phantom_arbiter.venues.solana.instructions import meteora_damm_v2
from phantom_arbiter.venues.solana.instructions.order import (
    TOKEN_PROGRAM,
    SwapOrder,
    discriminator,
    event_authority,
    read,
    sign,
    write,
)
from phantom_arbiter.venues.solana.swaps import EncodedSwap
from phantom_arbiter.venues.solana.transaction import Guard, TransactionPlan, build
from tests.svm.meteora_pools import place_damm_v2
from tests.svm.pools import Placed, unsigned
from tests.svm.world import World

pytestmark = pytest.mark.programs

SOLD = 10**9
DAMM_V2_STEP = 77


@pytest.mark.parametrize("more", [0, 1])
def test_a_routed_leg_pays_the_pools_quote_or_reverts(more: int) -> None:
    world = World()
    world.load("jupiter_v6", PROGRAM)
    pool = place_damm_v2(world)
    world.put_mint(pool.mint_0, 9)
    world.put_mint(pool.mint_1, 6)
    source, destination = world.give(pool.mint_0, SOLD), world.give(pool.mint_1, 0)
    answer = quote(pool.state(), SOLD, True, pool.moment)
    assert isinstance(answer, SwapQuote)
    out = answer.amount_out_atoms
    request = BuildRequest(str(pool.mint_0), str(pool.mint_1), SOLD, str(world.payer), 0)
    routed = parse_build(built_by_jupiter(pool, out), request)
    swap = EncodedSwap(routed.swap, 100_000)
    guard = Guard(destination, out + more)
    landed = world.send(build(TransactionPlan(world.payer, world.svm.latest_blockhash(), (swap,), guard)))
    assert (landed.error == "") is (more == 0), landed.logs
    assert (world.atoms(source), world.atoms(destination)) == ((SOLD, 0) if more else (0, out))


def built_by_jupiter(pool: Placed, out: int) -> bytes:
    """An answer of one hop through the pool, as ``route`` wants it."""
    payer = pool.world.payer
    source, destination = (get_associated_token_address(payer, mint) for mint in (pool.mint_0, pool.mint_1))
    order = SwapOrder(payer, source, destination, SOLD, out, True)
    hop = meteora_damm_v2.swap(meteora_damm_v2.keys(pool.main()), order).accounts
    head = [read(TOKEN_PROGRAM), sign(payer), write(source), write(destination), read(PROGRAM), read(pool.mint_1)]
    metas = [*head, read(PROGRAM), read(event_authority(PROGRAM)), read(PROGRAM), read(meteora_damm_v2.PROGRAM), *hop]
    plan = unsigned(1, 4) + bytes((DAMM_V2_STEP, 100, 0, 1))
    data = discriminator("route") + plan + unsigned(SOLD) + unsigned(out) + unsigned(0, 2) + b"\0"
    return msgspec.json.encode(
        {
            "inputMint": str(pool.mint_0),
            "outputMint": str(pool.mint_1),
            "inAmount": str(SOLD),
            "outAmount": str(out),
            "otherAmountThreshold": str(out),
            "swapMode": "ExactIn",
            "swapInstruction": {
                "programId": str(PROGRAM),
                "accounts": [_told(meta) for meta in metas],
                "data": b64encode(data).decode(),
            },
        }
    )


def _told(meta: AccountMeta) -> dict[str, object]:
    return {"pubkey": str(meta.pubkey), "isSigner": meta.is_signer, "isWritable": meta.is_writable}
