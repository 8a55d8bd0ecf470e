"""A configuration is taken whole, or refused with the key, the value and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from phantom_arbiter.config import Config, ConfigError, checked, load, to_atoms, with_market


def written(folder: Path, text: str) -> Path:
    path = folder / "phantom.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_gives_the_defaults() -> None:
    assert load(None) == Config()


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Config()


def test_every_section_can_be_set(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            'autostart = false\n[market]\nseed = 11\nscenario = "volatile"\n[server]\nhttp_port = 9000\n'
            '[capital.lst]\nSOL = "12.5"\n[safety.limits]\norders_per_second = 2\n[funding]\ntaker_fee_bps = 5.0\n',
        )
    )
    assert (config.autostart, config.market.seed, config.server.http_port) == (False, 11, 9000)
    assert (config.safety.limits.orders_per_second, config.funding.taker_fee_bps) == (2, 5.0)
    assert config.capital["lst"] == {"SOL": "12.5"}


def test_capital_that_is_not_named_stays(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[capital.funding]\nUSDC = 500\n"))
    assert config.capital["funding"] == {"USDC": "500", "SOL": "1"}
    assert config.capital["arb"] == Config().capital["arb"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[markt]\nseed = 1", ["markt", "did you mean 'market'"]),
        ("[market]\nsede = 1", ["market.sede", "did you mean 'seed'"]),
        ("[safety.limits]\norders_per_secnd = 1", ["safety.limits.orders_per_secnd", "'orders_per_second'"]),
        ("xyzzy = 1", ["xyzzy", "expected one of", "autostart"]),
        ("[market]\nseed = -1", ["market.seed", "got -1", "int >= 0"]),
        ('[market]\nseed = "7"', ["market.seed", "got '7'", "int"]),
        ("[market]\nspeed = nan", ["market.speed", "got nan", "expected float"]),
        ("[market]\nspeed = 0.0", ["market.speed", "got 0.0", "0.1"]),
        ('[market]\nscenario = "clam"', ["market.scenario", "'clam'", "did you mean 'calm'"]),
        ("[market]\nseed = 1.5", ["market.seed", "1.5", "int"]),
        ("market = 5", ["market", "got 5", "object"]),
        ("[funding]\ntaker_fee_bps = nan", ["funding.taker_fee_bps", "nan"]),
        ("[funding]\ntaker_fee_bps = inf", ["funding.taker_fee_bps", "inf"]),
        ("[server]\nhttp_port = 70000", ["server.http_port", "70000", "65535"]),
        ("[server]\nhttp_port = 8765", ["server.websocket_port", "8765", "another"]),
        ("[server]\nhttp_port = true", ["server.http_port", "True", "int"]),
        ("[capital.founding]\nUSDC = 1", ["capital.founding", "no such engine", "'funding'"]),
        ('[capital.lst]\nSOL = "-5"', ["capital.lst.SOL", "'-5'", "zero or more"]),
        ("[capital.lst]\nSOL = -5", ["capital.lst.SOL", "-5", "zero or more"]),
        ("[capital.lst]\nSOL = nan", ["capital.lst.SOL", "nan", "in quotes"]),
        ("[capital.lst]\nSOL = 0.5", ["capital.lst.SOL", "0.5", "in quotes"]),
        ("[capital.lst]\nSOL = true", ["capital.lst.SOL", "True"]),
        ('[capital.lst]\nSOL = "1e5"', ["capital.lst.SOL", "'1e5'"]),
        ('[capital.lst]\nSOL = "\\u0665"', ["capital.lst.SOL"]),
        ('[capital.lst]\nSOL = "1.0000000001"', ["capital.lst.SOL", "1.0000000001"]),
        ("capital = 5", ["capital", "got 5", "tables"]),
        ("[capital]\nlst = 5", ["capital.lst", "got 5", "table"]),
        ('[safety]\nforce_open = ["edgy"]', ["force_open", "'edgy'", "edge"]),
        ("[market\nseed = 1", ["not TOML"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    for part in said:
        assert part in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not TOML"):
        load(path)


def test_the_command_line_goes_over_the_file() -> None:
    config = checked({"market": {"seed": 9, "scenario": "volatile"}}, "file")
    changed = with_market(config, speed=2.0, scenario=None, seed=4)
    assert (changed.market.seed, changed.market.scenario, changed.market.speed) == (4, "volatile", 2.0)


@pytest.mark.parametrize(
    ("speed", "scenario", "seed"), [(float("nan"), None, None), (None, "", None), (None, None, -1), (1e9, None, None)]
)
def test_the_command_line_is_checked(speed: float | None, scenario: str | None, seed: int | None) -> None:
    with pytest.raises(ConfigError, match=r"^command line: market"):
        with_market(Config(), speed=speed, scenario=scenario, seed=seed)


@pytest.mark.parametrize(
    ("amount", "decimals", "atoms"),
    [("60", 9, 60_000_000_000), ("0.5", 6, 500_000), ("0", 6, 0), ("0.000001", 6, 1), ("1.10", 2, 110)],
)
def test_amounts_become_atoms(amount: str, decimals: int, atoms: int) -> None:
    assert to_atoms(amount, decimals) == atoms


@pytest.mark.parametrize(
    ("amount", "decimals", "said"), [("0.0000001", 6, "6 decimals"), ("999999999999", 9, "more than 1152921504")]
)
def test_amounts_that_an_asset_cannot_have(amount: str, decimals: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        to_atoms(amount, decimals)
