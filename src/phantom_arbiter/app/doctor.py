"""``phantom doctor``: looks at what a run needs, and says what to do where something is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.markup import escape
from rich.table import Table

from phantom_arbiter.app.console import out, print_json
from phantom_arbiter.config import Config, ConfigError, load
from phantom_arbiter.dashboard.listening import listen_loopback
from phantom_arbiter.storage.runs import default_home
from phantom_arbiter.venues.solana.discovery import ListingError, listed_pools, pools_by_asset

LEAST_FREE_BYTES: Final = 200_000_000
OLDEST_CLOCK_S: Final = 1_767_225_600.0
"""2026-01-01: a clock before the program was made is wrong."""


class Finding(Struct, frozen=True):
    """One check. ``advice`` says what to do; empty where all is well."""

    check: str
    ok: bool
    found: str
    advice: str = ""


def examine(config_path: Path | None, home: Path | None, as_json: bool) -> int:
    """Run every check; 0 when all passed, 1 otherwise."""
    findings = [_config(config_path)]
    config = load(config_path) if findings[0].ok else Config()
    folder = home or default_home()
    checks: tuple[Callable[[], Finding], ...] = (
        lambda: _port("dashboard port", config.server.http_port, "server.http_port"),
        lambda: _port("websocket port", config.server.websocket_port, "server.websocket_port"),
        lambda: _folder(folder),
        lambda: _disk(folder),
        lambda: _pools(config),
        _clock,
        _python,
        _page,
        _data,
    )
    findings += [check() for check in checks]
    ok = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": ok, "checks": findings})
    else:
        _print(findings)
    return 0 if ok else 1


def _print(findings: list[Finding]) -> None:
    table = Table("check", "", "found", "what to do")
    for finding in findings:
        table.add_row(finding.check, "[green]ok" if finding.ok else "[red]no", escape(finding.found), finding.advice)
    out.print(table)


def _config(path: Path | None) -> Finding:
    try:
        load(path)
    except ConfigError as error:
        return Finding("configuration", False, str(error), "correct the file, or leave --config away for the defaults")
    return Finding("configuration", True, str(path) if path is not None else "the defaults")


def _port(name: str, port: int, key: str) -> Finding:
    try:
        for listening in listen_loopback(port, key):
            listening.close()
    except OSError as error:
        advice = f"stop what uses it, or set {key} to another port in the configuration"
        return Finding(name, False, f"{port}: {os.strerror(error.errno or 0)}", advice)
    return Finding(name, True, f"{port} is free")


def _folder(home: Path) -> Finding:
    existing, advice = _existing(home), "choose another with --home or PHANTOM_HOME"
    if not existing.is_dir():
        return Finding("run folder", False, f"{existing} is not a folder", advice)
    if not os.access(existing, os.W_OK):
        return Finding("run folder", False, f"{existing} cannot be written", advice)
    return Finding("run folder", True, str(home))


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_existing(home)).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= LEAST_FREE_BYTES:
        return Finding("disk", True, found)
    return Finding("disk", False, found, "free some space, or prune runs: phantom runs prune --keep 5")


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that there is."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def _pools(config: Config) -> Finding:
    try:
        listings = listed_pools(Path(config.pools.file) if config.pools.file else None, config.pools.listed)
    except ListingError as error:
        return Finding("pool list", False, str(error), "correct the entry, or leave pools.file and pools.listed away")
    if not listings:
        return Finding("pool list", True, "none: the built-in market has pools of its own")
    programs = {listing.program for listing in listings}
    found = f"{len(listings)} pools of {len(pools_by_asset(listings))} assets and {len(programs)} programs"
    return Finding("pool list", True, found)


def _clock() -> Finding:
    now = time.time()
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now >= OLDEST_CLOCK_S:
        return Finding("clock", True, found)
    return Finding("clock", False, found, "set the computer's clock; it lies before this program was made")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "" if sys.version_info >= (3, 11) else "use 3.11+")


def _page() -> Finding:
    spec = importlib.util.find_spec("phantom_arbiter.dashboard")
    web = Path(spec.origin).parent / "web" / "index.html" if spec is not None and spec.origin else Path("web")
    if web.is_file():
        return Finding("dashboard page", True, "built")
    return Finding("dashboard page", False, "not built", "run `make ui`, or install a release, which carries it")


def _data() -> Finding:
    folder = Path(os.environ.get("PHANTOM_DATA_DIR") or Path("..") / "shared" / "data")
    if folder.is_dir():
        return Finding("recorded data", True, str(folder))
    return Finding("recorded data", True, "none here: the built-in market needs none; --data names a folder")
