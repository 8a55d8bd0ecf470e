"""Benchmarks: each measures us and a named peer in turn, in one run, and checks that both gave the same result.

A benchmark ``NAME`` is the module ``benchmarks/NAME.py`` with ``run() -> list[Result]``, listed in ``NAMES``.
It is never a timed test: the ratio is the finding, the absolute numbers move with the machine.
"""

from __future__ import annotations

from typing import Final, Self

from msgspec import Struct

NAMES: Final[tuple[str, ...]] = ("kernel", "markets_api", "arb_search", "quotes", "arb_split", "bytes_to_verdict")


class Result(Struct, frozen=True, kw_only=True):
    """One figure beside its peer's.

    ``ratio`` is how many times better ours is, above 1 when we win: for a unit that ends in "/s" more is better,
    for any other (ns, ms, MB) less is. It is None where the two results differ: such a figure compares nothing.
    """

    name: str
    unit: str
    ours: float
    peer: str
    peer_value: float
    ratio: float | None
    same_result: bool

    @classmethod
    def compare(cls, name: str, unit: str, *, ours: float, peer: str, peer_value: float, same_result: bool) -> Self:
        """A result with its ratio worked out; ValueError if a figure is not a positive number."""
        for field, value in (("ours", ours), ("peer_value", peer_value)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name}: {field} is {value}, a positive finite number was expected")
        better = ours / peer_value if unit.endswith("/s") else peer_value / ours
        return cls(
            name=name,
            unit=unit,
            ours=ours,
            peer=peer,
            peer_value=peer_value,
            ratio=better if same_result else None,
            same_result=same_result,
        )
