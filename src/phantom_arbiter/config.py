"""Configuration: a TOML file becomes frozen structs, or an error that names the key, the value and what was expected.

Every section has working defaults: with no file at all, paper trading runs on the built-in market.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.engines.arb.settings import ArbConfig
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.lst_depeg.settings import LstConfig
from phantom_arbiter.engines.scalp.settings import ScalpConfig
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.venues.solana.discovery import PoolListing

AMOUNT: Final = r"^[0-9]{1,12}(\.[0-9]{1,9})?\Z"
MAX_ATOMS: Final = 2**60
"""For one engine; four of them and what they win still fit the ledger."""
Amount = Annotated[str, Meta(pattern=AMOUNT)]
Port = Annotated[int, Meta(ge=1, le=65_535)]


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file, the key and what was expected."""


class MarketConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The built-in market: the seed that makes it repeatable, and the scenario."""

    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 7
    scenario: str = "calm"
    speed: Annotated[float, Meta(ge=0.1, le=100_000)] = 30.0


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the dashboard listens. The address is always loopback."""

    http_port: Port = 8000
    websocket_port: Port = 8765


class PerpVenueConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose perp markets the dashboard's table shows. A paper run trades its own market whatever is shown."""

    source: Literal["built-in", "drift-v2", "velocity", "hyperliquid"] = "built-in"
    base_url: Annotated[str, Meta(max_length=200, pattern=r"^(https?://[^\s@]+)?\Z")] = ""
    refresh_s: Annotated[float, Meta(ge=1, le=3_600)] = 30.0


class PoolsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The pools of a real chain to watch: a TOML or JSON file of them, and tables here. The built-in market has its
    own; `phantom doctor` reads the list, live feeds will."""

    file: Annotated[str, Meta(max_length=4_096)] = ""
    listed: tuple[PoolListing, ...] = ()


def _capital() -> dict[str, dict[str, str]]:
    return {
        "funding": {"USDC": "10000", "SOL": "1"},
        "lst": {"SOL": "60"},
        "scalp": {"SOL": "20", "USDC": "1000"},
        "arb": {"SOL": "20", "USDC": "2000"},
    }


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything. ``capital`` is what each engine starts a run with, in whole units of each asset.

    A file says only what it wants otherwise; of capital, too, what it doesn't name stays ("0" takes an asset away).
    """

    market: MarketConfig = field(default_factory=MarketConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
    perp_venue: PerpVenueConfig = field(default_factory=PerpVenueConfig)
    pools: PoolsConfig = field(default_factory=PoolsConfig)
    capital: dict[str, dict[str, Amount]] = field(default_factory=_capital)
    safety: SafetyConfig = field(default_factory=SafetyConfig)
    driver: DriverConfig = field(default_factory=DriverConfig)
    funding: FundingConfig = field(default_factory=FundingConfig)
    lst: LstConfig = field(default_factory=LstConfig)
    scalp: ScalpConfig = field(default_factory=ScalpConfig)
    arb: ArbConfig = field(default_factory=ArbConfig)
    autostart: bool = True


def load(path: Path | None) -> Config:
    """Read a TOML file, or the defaults for None. Raises `ConfigError`."""
    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return parse(raw, str(path))


def parse(raw: dict[str, Any], name: str) -> Config:
    """Turn plain data into a `Config`. An unknown key is an error that names the nearest known one."""
    for where, key, known in _unknown_keys(raw, Config, ""):
        raise ConfigError(f"{name}: {where}{key}: no such key; {_nearest(key, known)}")
    return checked({**raw, "capital": _merged_capital(raw.get("capital", {}), name)}, name)


def checked(raw: dict[str, Any], name: str) -> Config:
    """Values in their ranges, or a `ConfigError` that says which is not."""
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_in_words(str(error), raw)}") from error
    if config.market.scenario not in SCENARIOS:
        got = config.market.scenario
        raise ConfigError(f"{name}: market.scenario: got {got!r}; {_nearest(got, list(SCENARIOS))}")
    if config.server.http_port == config.server.websocket_port:
        port = config.server.http_port
        raise ConfigError(f"{name}: server.websocket_port: got {port}, expected another than server.http_port")
    return config


def _in_words(said: str, raw: dict[str, Any]) -> str:
    """A validation error as key, value and what was expected."""
    text, _, path = said.partition(" - at `$")
    where = path.rstrip("`").strip(".")
    value: Any = raw
    for key in where.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None or not text.startswith("Expected"):
        return f"{where}: {text}" if where else text
    return f"{where}: got {value!r}, expected {text.removeprefix('Expected ').replace('`', '')}"


def with_market(config: Config, *, speed: float | None, scenario: str | None, seed: int | None) -> Config:
    """The configuration with what the command line says of the built-in market."""
    raw: dict[str, Any] = msgspec.to_builtins(config)
    given = {"speed": speed, "scenario": scenario, "seed": seed}
    raw["market"].update({key: value for key, value in given.items() if value is not None})
    return checked(raw, "command line")


def _merged_capital(given: object, name: str) -> dict[str, dict[str, str]]:
    merged = _capital()
    if not isinstance(given, dict):
        raise ConfigError(f"{name}: capital: got {given!r}, expected tables such as [capital.lst]")
    for engine, amounts in given.items():
        if engine not in merged:
            raise ConfigError(f"{name}: capital.{engine}: no such engine; {_nearest(engine, list(merged))}")
        if not isinstance(amounts, dict):
            raise ConfigError(f'{name}: capital.{engine}: got {amounts!r}, expected a table such as SOL = "60"')
        for asset, amount in amounts.items():
            merged[engine][asset] = _amount(amount, f"{name}: capital.{engine}.{asset}")
    return merged


def _amount(given: object, where: str) -> str:
    text = str(given) if type(given) is int else given
    if not isinstance(text, str) or not re.fullmatch(AMOUNT, text):
        raise ConfigError(f'{where}: got {given!r}, expected zero or more in quotes, such as "60" or "0.5"')
    return text


def _nearest(got: str, known: list[str]) -> str:
    near = get_close_matches(got, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(sorted(known))}"


def _unknown_keys(raw: dict[str, Any], kind: type[Struct], where: str) -> Iterator[tuple[str, str, list[str]]]:
    fields = {info.encode_name: info.type for info in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            yield where, key, list(fields)
        elif isinstance(value, dict) and isinstance(fields[key], type) and issubclass(fields[key], Struct):
            yield from _unknown_keys(value, fields[key], f"{where}{key}.")


def to_atoms(amount: str, decimals: int) -> int:
    """A decimal amount in whole units as atoms; refuses more decimals than the asset has, and what no wallet holds."""
    whole, _, fraction = amount.partition(".")
    if len(fraction) > decimals:
        raise ConfigError(f"amount {amount!r}: more than {decimals} decimals, the asset has no smaller unit")
    atoms = int(whole) * power_of_ten(decimals) + int(fraction.ljust(decimals, "0") or "0")
    if atoms > MAX_ATOMS:
        raise ConfigError(f"amount {amount!r}: more than {MAX_ATOMS // power_of_ten(decimals)} of this asset")
    return atoms
