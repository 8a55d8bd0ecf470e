"""Addresses against Solana's own library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM, address_bytes, base58, is_derived

KEYS = st.one_of(st.binary(min_size=32, max_size=32), st.integers(0, 2**64).map(lambda low: low.to_bytes(32, "big")))


@given(KEYS)
def test_an_address_is_written_and_read_as_solana_does(raw):
    assert base58(raw) == str(Pubkey.from_bytes(raw))
    assert address_bytes(base58(raw)) == raw


def test_the_system_program_is_all_zeros():
    assert address_bytes(SYSTEM_PROGRAM) == bytes(32)


@pytest.mark.parametrize("text", ["", "1" * 31, "1" * 33, "z" * 44, "0" * 40, "1" * 31 + "l", "é" * 40])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="address: got"):
        address_bytes(text)


@given(KEYS, st.lists(st.binary(max_size=32), max_size=4))
def test_a_derived_address_is_known_again(program, seeds):
    address = bytes(Pubkey.find_program_address(seeds, Pubkey.from_bytes(program))[0])
    assert is_derived(address, program, tuple(seeds))
    assert not is_derived(address, program, (*seeds, b"x"))
    assert not is_derived(bytes(32), program, tuple(seeds))
