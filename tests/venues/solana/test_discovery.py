"""Lists of pools: both forms of a file, plain tables, and what is refused."""

from __future__ import annotations

import json

import pytest

from phantom_arbiter.venues.solana.discovery import ListingError, PoolListing, pool_list, pools_by_asset, read_pool_list
from tests.unit.dex.account_facts import INF_POOL, JUPSOL, MARINADE_POOL, STRANGER

ORCA = "83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d"
ENTRY = {"pool": ORCA, "program": "whirlpool", "venue": "orca", "asset_0": "SOL", "asset_1": "USDC"}
INF = {
    "pool": f"{INF_POOL}:{JUPSOL}:So11111111111111111111111111111111111111112",
    "program": "sanctum_inf",
    "venue": "sanctum",
    "asset_0": "jupSOL",
    "asset_1": "SOL",
    "stake_pools": [STRANGER],
}
TOML = """
[[pools]]
pool = "83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d"
program = "whirlpool"
venue = "orca"
asset_0 = "SOL"
asset_1 = "USDC"
"""


def test_a_file_of_either_form(tmp_path):
    orca = PoolListing(ORCA, "whirlpool", "orca", "SOL", "USDC")
    (tmp_path / "pools.toml").write_text(TOML)
    assert read_pool_list(tmp_path / "pools.toml") == (orca,)
    (tmp_path / "pools.json").write_text(json.dumps({"pools": [ENTRY, INF]}))
    listings = read_pool_list(tmp_path / "pools.json")
    assert listings[0] == orca
    assert listings[1].stake_pools == (STRANGER,)
    assert pools_by_asset(listings) == {"SOL": listings, "USDC": (orca,), "jupSOL": (listings[1],)}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ENTRY, "programm": 1}, r"pools\[0\].programm: no such key; did you mean 'program'\?"),
        ({**ENTRY, "x": 1}, r"pools\[0\].x: no such key; expected one of pool, program, venue"),
        ({**ENTRY, "program": "wirlpool"}, r"pools\[0\].program: got 'wirlpool'; did you mean 'whirlpool'\?"),
        ({**ENTRY, "program": 5}, r"pools\[0\].program: got 5, expected `str`"),
        ({**ENTRY, "asset_1": "SOL"}, r"pools\[0\].asset_1: got 'SOL', expected another asset than asset_0"),
        ({**ENTRY, "venue": "a b"}, r"pools\[0\].venue: got 'a b', expected `str` matching"),
        ({**ENTRY, "pool": "me"}, r"pools\[0\].pool: address: got 'me'"),
        ({**ENTRY, "pool": INF["pool"]}, r"pools\[0\].pool: got .*, expected one address"),
        ({**ENTRY, "stake_pools": [STRANGER]}, r"pools\[0\].stake_pools: got .*, expected none of whirlpool"),
        ({**INF, "pool": INF_POOL}, r"pools\[0\].pool: got .*, expected the main account and two mints"),
        ({**INF, "stake_pools": ["me"]}, r"pools\[0\].stake_pools: address: got 'me'"),
        ({key: ENTRY[key] for key in ("pool", "program", "venue", "asset_0")}, r"required field `asset_1`"),
        ("orca", r"pools\[0\]: Expected `object`, got `str`"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named(entry, words):
    with pytest.raises(ListingError, match=words):
        pool_list([entry], "config")


def test_a_pool_stands_in_the_list_once():
    with pytest.raises(ListingError, match=r"config: pools\[2\].pool: .* is pools\[0\] already"):
        pool_list([ENTRY, {**ENTRY, "pool": MARINADE_POOL}, ENTRY], "config")


def test_a_list_is_an_array_of_bounded_length():
    with pytest.raises(ListingError, match="pools: got dict, expected an array of at most 20000"):
        pool_list({}, "config")
    with pytest.raises(ListingError, match="pools: got 20001, expected"):
        pool_list([ENTRY] * 20_001, "config")


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.toml", b"pools = [", "not TOML"),
        ("a.toml", b"\xff", "not TOML"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[" * 200_000, "not JSON"),
        ("a.json", b"[]", "got list, expected one key, 'pools'"),
        ("a.toml", b"pool = []", r"got \['pool'\], expected one key, 'pools'"),
        ("a.toml", b"#" * (16 * 2**20 + 1), "expected at most"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, body, words):
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(ListingError, match=words) as refused:
        read_pool_list(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ListingError, match="cannot be read: No such file"):
        read_pool_list(tmp_path / "none.toml")
