"""The list of pools to watch, from a file or from tables of the configuration, and the pools of each asset.

A list is TOML or JSON: ``pools``, an array of tables with ``pool``, ``program``, ``venue``, ``asset_0`` and
``asset_1``, and ``stake_pools`` for a pair of INF. Token 0 and 1 are those of the pool's accounts: nothing but the
list says which assets they are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from phantom_arbiter.dex.account_assemblers import ASSEMBLERS
from phantom_arbiter.dex.addresses import address_bytes

MAX_POOLS: Final = 20_000
MAX_LIST_BYTES: Final = 16 * 2**20

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")]
_PAIRS: Final = frozenset({"sanctum_inf"})
"""Programs of which a pool is named by its main account and two mints."""


class PoolListing(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One pool to watch; ``pool`` is named as `dex.pool_accounts` reads it. ``stake_pools``: the addresses of those
    that stand behind the LSTs of a pair of INF, which no account of INF names."""

    pool: str
    program: str
    venue: _Name
    asset_0: _Name
    asset_1: _Name
    stake_pools: Annotated[tuple[str, ...], Meta(max_length=2)] = ()


class ListingError(ValueError):
    """A list of pools that cannot be used; the message names the list, the entry, the key and what was expected."""


def read_pool_list(path: Path) -> tuple[PoolListing, ...]:
    """The pools of a ``.toml`` or ``.json`` file. Raises ListingError, also where it cannot be read."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ListingError(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > MAX_LIST_BYTES:
        raise ListingError(f"{path}: has {len(body)} bytes, expected at most {MAX_LIST_BYTES}")
    try:
        raw = msgspec.json.decode(body) if path.suffix == ".json" else tomllib.loads(body.decode())
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ListingError(f"{path}: not {kind}: {error}") from error
    if not isinstance(raw, dict) or set(raw) != {"pools"}:
        got = sorted(raw) if isinstance(raw, dict) else type(raw).__name__
        raise ListingError(f"{path}: got {got}, expected one key, 'pools'")
    return pool_list(raw["pools"], str(path))


def pool_list(raw: object, name: str) -> tuple[PoolListing, ...]:
    """The pools of plain data, an array of tables; ``name`` is what errors call it. Raises ListingError."""
    if not isinstance(raw, list) or len(raw) > MAX_POOLS:
        got = len(raw) if isinstance(raw, list) else type(raw).__name__
        raise ListingError(f"{name}: pools: got {got}, expected an array of at most {MAX_POOLS} tables")
    return _once(tuple(_listing(entry, f"{name}: pools[{at}]") for at, entry in enumerate(raw)), name)


def listed_pools(path: Path | None, listed: Iterable[PoolListing]) -> tuple[PoolListing, ...]:
    """The pools of a file and those that the configuration lists, each pool once. Raises ListingError."""
    own = pool_list([msgspec.to_builtins(listing) for listing in listed], "configuration")
    return _once(((*read_pool_list(path), *own) if path is not None else own), "file and configuration")


def _once(listings: tuple[PoolListing, ...], name: str) -> tuple[PoolListing, ...]:
    seen: dict[str, int] = {}
    for at, listing in enumerate(listings):
        if listing.pool in seen:
            raise ListingError(f"{name}: pools[{at}].pool: {listing.pool} is pools[{seen[listing.pool]}] already")
        seen[listing.pool] = at
    return listings


def pools_by_asset(listings: Iterable[PoolListing]) -> Mapping[str, tuple[PoolListing, ...]]:
    """The pools in which each asset trades, in the order of the list."""
    found: dict[str, list[PoolListing]] = {}
    for listing in listings:
        found.setdefault(listing.asset_0, []).append(listing)
        found.setdefault(listing.asset_1, []).append(listing)
    return {asset: tuple(pools) for asset, pools in found.items()}


def _listing(raw: object, where: str) -> PoolListing:
    known = list(PoolListing.__struct_fields__)
    if isinstance(raw, dict):
        for key in raw:
            if key not in known:
                raise ListingError(f"{where}.{key}: no such key; {_nearest(str(key), known)}")
    try:
        listing = msgspec.convert(raw, PoolListing)
    except msgspec.ValidationError as error:
        raise ListingError(_in_words(str(error), raw, where)) from error
    if listing.program not in ASSEMBLERS:
        nearest = _nearest(listing.program, list(ASSEMBLERS))
        raise ListingError(f"{where}.program: got {listing.program!r}; {nearest}")
    if listing.asset_0 == listing.asset_1:
        raise ListingError(f"{where}.asset_1: got {listing.asset_1!r}, expected another asset than asset_0")
    _check_pool(listing, where)
    return listing


def _check_pool(listing: PoolListing, where: str) -> None:
    parts = listing.pool.split(":")
    expected = "the main account and two mints, with colons between" if listing.program in _PAIRS else "one address"
    if len(parts) != (3 if listing.program in _PAIRS else 1):
        raise ListingError(f"{where}.pool: got {listing.pool!r}, expected {expected}")
    _check_addresses(parts, f"{where}.pool")
    if listing.stake_pools and listing.program not in _PAIRS:
        raise ListingError(f"{where}.stake_pools: got {list(listing.stake_pools)}, expected none of {listing.program}")
    _check_addresses(listing.stake_pools, f"{where}.stake_pools")


def _check_addresses(addresses: Iterable[str], where: str) -> None:
    for address in addresses:
        try:
            address_bytes(address)
        except ValueError as error:
            raise ListingError(f"{where}: {error}") from error


def _in_words(said: str, raw: object, where: str) -> str:
    text, _, path = said.partition(" - at `$")
    key = path.rstrip("`")
    value: Any = raw.get(key.strip(".")) if isinstance(raw, dict) and key else raw
    return f"{where}{key}: {text}" if key == "" else f"{where}{key}: got {value!r}, {text[0].lower()}{text[1:]}"


def _nearest(got: str, known: list[str]) -> str:
    near = get_close_matches(got, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
