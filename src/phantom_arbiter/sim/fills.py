"""What a simulated swap pays."""

from __future__ import annotations

from typing import NamedTuple

from phantom_arbiter.dex.pool import SwapQuote


class SwapFill(NamedTuple):
    """What a swap pays: ``out_atoms`` of the output asset; ``fee_atoms`` is inside the input, else taken of the output
    before."""

    out_atoms: int
    fee_atoms: int
    fee_on_input: bool = True


def fill_of(answer: SwapQuote, in_atoms: int) -> SwapFill | str:
    """A pool's answer to ``in_atoms`` as a fill. A pool that takes only a part of it refuses: our amounts are fixed."""
    if answer.amount_in_atoms != in_atoms:
        return f"the pool takes only {answer.amount_in_atoms} of {in_atoms} atoms"
    return SwapFill(answer.amount_out_atoms, answer.fee_atoms, answer.fee_on_input)
