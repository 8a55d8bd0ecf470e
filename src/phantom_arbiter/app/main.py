"""What each command of the command line does. Everything here returns an exit code or raises a named error."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from phantom_arbiter.app import tables
from phantom_arbiter.app.console import out, print_json, print_result, progress_bar, say
from phantom_arbiter.app.journaled import describe_market, look
from phantom_arbiter.app.markets import RecordedSpec, explained
from phantom_arbiter.config import ConfigError
from phantom_arbiter.core.commands import Mode
from phantom_arbiter.research.report import report
from phantom_arbiter.storage.dataset_map import Dataset, load_map
from phantom_arbiter.storage.errors import JournalError
from phantom_arbiter.storage.importer import import_file, import_folder
from phantom_arbiter.storage.journal import RunInfo
from phantom_arbiter.storage.journal_file import backup
from phantom_arbiter.storage.runs import JOURNAL_FILE, RunFolder, default_home, describe
from phantom_arbiter.storage.schemas import ColumnType, kind_named

# data


def import_data(
    kind: str | None,
    file: Path | None,
    into: Path,
    map_path: Path | None,
    columns: list[str],
    constants: list[str],
    units: list[str],
    as_json: bool,
) -> int:
    """Import a file, or a folder by its map, with a bar."""
    if file is None or (map_path is None and kind is None):
        raise ConfigError("data import: got no file; expected KIND FILE, or --map MAP.toml FOLDER")
    if not file.exists():
        raise ConfigError(f"data import: {file}: no such file or folder")
    with progress_bar() as bar:
        task = bar.add_task(file.name, total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        if map_path is not None:
            folder = import_folder(into, file, load_map(map_path), progress)
            result: Any = folder
        else:
            assert kind is not None
            dataset = Dataset(
                path=file.name,
                kind=kind,
                columns=_pairs(columns),
                constants={name: _typed(kind, name, text) for name, text in _pairs(constants).items()},
                units=_pairs(units),
            )
            result = import_file(into, file, dataset, progress)
    if as_json:
        print_json(result)
    else:
        tables.print_import(out, result)
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals or not ours or not theirs:
            raise ConfigError(f"column, constant or unit: got {text!r}, expected OURS=THEIRS")
        pairs[ours] = theirs
    return pairs


def _typed(kind: str, name: str, text: str) -> int | float | str | bool:
    """A constant as its column wants it; text that doesn't read so stays, and the import says what it expected."""
    types = {column.name: column.type for column in kind_named(kind).columns}
    with suppress(ValueError):
        match types.get(name):
            case ColumnType.INT:
                return int(text)
            case ColumnType.FLOAT:
                return float(text)
            case ColumnType.BOOL if text in ("true", "false"):
                return text == "true"
    return text


# report, runs


def report_run(run: Path, as_json: bool) -> int:
    """Report a run from its last snapshot; nothing of it changes."""
    session, spec, info = look(journal_in(run))
    skipped = list(spec.skipped) if isinstance(spec, RecordedSpec) else []
    result = report(session.kernel, session.state_hash(), skipped, str(run))
    if not info.sealed:
        say("this run is not sealed: it is running, or was stopped; the report is of its last snapshot")
    print_result(explained(result, session), as_json)
    return 0


def list_runs(home: Path | None, kind: str, as_json: bool) -> int:
    """Every run of a kind; one that cannot be read is listed with the reason."""
    paths = RunFolder(home or default_home(), kind).runs()
    found = [(path, _described(path)) for path in paths]
    if as_json:
        rows = [(path, {"error": info} if isinstance(info, str) else info._asdict()) for path, info in found]
        print_json({"runs": [{"folder": str(path.parent), **row} for path, row in rows]})
        return 0
    tables.print_runs(out, [(path.parent.name, *_told(info)) for path, info in found])
    return 0


def _described(path: Path) -> RunInfo | str:
    try:
        return describe(path, Mode.PAPER)
    except JournalError as error:
        return str(error)


def _told(info: RunInfo | str) -> tuple[str, str]:
    return (info, "unreadable") if isinstance(info, str) else (describe_market(info.market), info.sealed or "open")


def backup_run(run: Path, target: Path) -> int:
    """Copy a journal while it may be in use."""
    backup(journal_in(run), target)
    say(f"backed up to {target}")
    return 0


def restore_run(source: Path, run: Path) -> int:
    """Make a run folder of a backup, after checking that it is a sound journal."""
    describe(source, Mode.PAPER)
    backup(source, run / JOURNAL_FILE)
    say(f"restored; go on with: phantom replay --run {run}")
    return 0


def prune_runs(home: Path | None, kind: str, keep: int) -> int:
    """Remove old sealed runs."""
    if keep < 1:
        raise ConfigError(f"--keep: got {keep}, expected at least 1")
    folder = RunFolder(home or default_home(), kind)
    removed = folder.prune(keep, Mode.PAPER) if folder.folder.is_dir() else []
    say(f"removed {len(removed)} runs" + (f": {', '.join(removed)}" if removed else ""))
    return 0


def journal_in(run: Path) -> Path:
    """The journal of a run named by its folder, or by the file itself."""
    return run if run.is_file() else run / JOURNAL_FILE
