"""What all decoders share: a whole account's checks, a field's range, and two readers."""

from __future__ import annotations

import pytest

from phantom_arbiter.dex.account_bytes import AccountBytes, AccountReader, check_account, within
from phantom_arbiter.dex.pool import AccountError

SOUND = {"owners": ("one", "other"), "lengths": (4, 6), "discriminators": (b"ab", b"cd")}


@pytest.mark.parametrize(("data", "owner"), [(b"ab12", "one"), (b"cd1234", "other")])
def test_an_account_of_a_known_owner_length_and_kind_passes(data, owner):
    check_account("thing", data, owner, **SOUND)


@pytest.mark.parametrize(
    ("data", "owner", "words"),
    [
        (b"ab12", "third", "thing: owner: got 'third', expected one or other"),
        (b"ab123", "one", "thing: length: got 5, expected 4 or 6 bytes"),
        (b"xb12", "one", "thing: discriminator: got '78623132', expected 6162 or 6364"),
    ],
)
def test_others_are_refused_by_the_field(data, owner, words):
    with pytest.raises(AccountError) as refused:
        check_account("thing", data, owner, **SOUND)
    assert str(refused.value) == words


def test_a_field_is_within_its_range():
    assert [within("thing", "size", value, 1, 3) for value in (1, 3)] == [1, 3]
    for value in (0, 4):
        with pytest.raises(AccountError, match=f"thing: size: got {value}, expected 1 to 3"):
            within("thing", "size", value, 1, 3)


def test_fields_by_offset():
    account = AccountBytes("thing", b"ab\x01\xff", "one", program="one", length=4, discriminator=b"ab")
    assert (account.uint(2, 2), account.sint(2, 2), account.sint(2, 1)) == (65_281, -255, 1)
    with pytest.raises(AccountError, match="thing: kind: got 'x', expected y"):
        account.expect("kind", "x", False, "y")


def test_fields_in_order_end_with_the_bytes():
    reader = AccountReader("thing", b"\x02\x00\x01\xff\xff\x02", "one", frozenset({"one"}), frozenset({6}))
    assert (reader.unsigned("count", 2), reader.flag("open"), reader.signed("low", 2)) == (2, True, -1)
    with pytest.raises(AccountError, match="thing: shut: got 2, expected 0 or 1"):
        reader.flag("shut")
    with pytest.raises(AccountError, match="thing: key: got '0 bytes', expected 32 bytes at offset 6"):
        reader.address("key")
