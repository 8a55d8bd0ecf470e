"""Configuration: a TOML file becomes frozen structs, or an error that names the key, the value and what was expected.

Every section has working defaults: with no file at all, paper trading runs on the built-in market.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.engines.arb.settings import ArbConfig
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.lst_depeg.settings import LstConfig
from phantom_arbiter.engines.scalp.settings import ScalpConfig
from phantom_arbiter.sim.driver_config import DriverConfig

Amount = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,9})?$")]
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


def _capital() -> dict[str, dict[str, str]]:
    return {
        "funding": {"USDC": "10000", "SOL": "1"},
        "lst": {"SOL": "60"},
        "scalp": {"SOL": "20", "USDC": "1000"},
        "arb": {"SOL": "20", "USDC": "2000"},
    }


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything. ``capital`` is what each engine starts with, in whole units of each asset."""

    market: MarketConfig = field(default_factory=MarketConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
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
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
        raise ConfigError(f"{name}: unknown key {where}{key!r}; {hint}")
    for engine in raw.get("capital", {}):
        if engine not in _capital():
            raise ConfigError(f"{name}: capital.{engine}: no such engine; expected one of {', '.join(_capital())}")
    return checked(raw, name)


def checked(raw: dict[str, Any], name: str) -> Config:
    """Values in their ranges, or a `ConfigError` that says which is not."""
    try:
        return msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}") from error


def _unknown_keys(raw: dict[str, Any], kind: type[Struct], where: str) -> Iterator[tuple[str, str, list[str]]]:
    fields = {info.encode_name: info.type for info in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            yield where, key, list(fields)
        elif isinstance(value, dict) and isinstance(fields[key], type) and issubclass(fields[key], Struct):
            yield from _unknown_keys(value, fields[key], f"{where}{key}.")


def to_atoms(amount: str, decimals: int) -> int:
    """A decimal amount in whole units as atoms; refuses more decimals than the asset has."""
    whole, _, fraction = amount.partition(".")
    if len(fraction) > decimals:
        raise ConfigError(f"amount {amount!r}: more than {decimals} decimals, the asset has no smaller unit")
    return int(whole) * power_of_ten(decimals) + int(fraction.ljust(decimals, "0") or "0")
