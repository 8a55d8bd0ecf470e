"""The random swaps that quotes are compared on, and what a missing peer looks like."""

from __future__ import annotations

import sys
from random import Random

import pytest

from benchmarks.peers.environment import PeerMissingError
from benchmarks.quote_cases import KINDS, make
from benchmarks.quotes import answered_cases, ask, paid
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import quote


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_swaps_both_ways_answers_and_refusals(kind: str) -> None:
    random = Random(1)
    cases = [make(kind, random) for _ in range(200)]
    assert {case.zero_for_one for case in cases} == {True, False}
    assert {isinstance(quote(*case[:4]), SwapRefusal) for case in cases} == {True, False}
    assert all(1 <= case.amount_in_atoms < 2**64 for case in cases)


def test_the_same_seed_asks_the_same() -> None:
    first, again = (answered_cases("raydium_cpmm", Random(3), 20) for _ in range(2))
    assert first == again
    assert all(map(paid, first))


def test_a_peer_that_is_not_here_or_fails_says_why(tmp_path) -> None:
    case = make("raydium_cpmm", Random(1))
    with pytest.raises(PeerMissingError, match="no no-such-program"):
        ask(["no-such-program"], "raydium_cpmm", [case])
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('no SDK')")
    with pytest.raises(PeerMissingError, match="ValueError: no SDK"):
        ask([sys.executable, str(broken)], "raydium_cpmm", [case])
