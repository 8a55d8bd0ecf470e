"""What a simulated swap pays."""

from __future__ import annotations

from typing import NamedTuple

from phantom_arbiter.dex.pool import SwapQuote


class SwapFill(NamedTuple):
    """What a swap pays: ``out_atoms`` of the output asset. The input's fee is inside the input, the output's was taken
    off before."""

    out_atoms: int
    input_fee_atoms: int
    output_fee_atoms: int = 0


def fill_of(answer: SwapQuote, in_atoms: int) -> SwapFill | str:
    """A pool's answer to ``in_atoms`` as a fill. A pool that takes only a part of it refuses: our amounts are fixed."""
    if answer.amount_in_atoms != in_atoms:
        return f"the pool takes only {answer.amount_in_atoms} of {in_atoms} atoms"
    return SwapFill(answer.amount_out_atoms, answer.input_fee_atoms, answer.output_fee_atoms)
