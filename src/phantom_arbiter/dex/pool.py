"""What every pool type has in common: a swap's answer, its refusal, and the errors of account bytes.

Each pool type is a module of this package: account bytes → frozen state, ``quote(state, amount_in_atoms, …)`` exactly
as the program computes it, ``apply`` for the state after it, and ``segments`` for the search. Its docstring says what
it was verified against (program, sdk or formula), and what is refused because nothing verifies it.
"""

from __future__ import annotations

from msgspec import Struct


class AccountError(ValueError):
    """Account bytes that are not what they should be; the message names the account's kind, the field, what came and
    what was expected."""

    def __init__(self, account: str, field: str, value: object, expected: str) -> None:
        super().__init__(f"{account}: {field}: got {value!r}, expected {expected}")
        self.account = account
        self.field = field
        self.value = value
        self.expected = expected

    def inside(self, place: str) -> AccountError:
        """The same error, which says where the account is."""
        return AccountError(f"{place}: {self.account}", self.field, self.value, self.expected)


class SwapQuote(Struct, frozen=True, gc=False):
    """What the program would pay. ``amount_in_atoms`` is all of the input, fee included.

    Fees are in the token of their side, the output's taken off before ``amount_out_atoms``. ``crossed``: ticks, tick
    groups or bins left behind.
    """

    amount_in_atoms: int
    amount_out_atoms: int
    input_fee_atoms: int
    output_fee_atoms: int = 0
    crossed: int = 0


class SwapRefusal(Struct, frozen=True, gc=False):
    """The program would refuse this swap, or this module cannot answer for it exactly; ``reason`` in words."""

    reason: str


class Segment(Struct, frozen=True, gc=False):
    """A stretch on which a pool answers like ``a·x / (b + c·x)``, for screening in floats.

    ``x`` is input atoms beyond the segments before it, at most ``capacity_atoms``; the answer is output atoms. Fees are
    in the numbers. A constant price has ``c`` = 0.
    """

    capacity_atoms: float
    a: float
    b: float
    c: float
