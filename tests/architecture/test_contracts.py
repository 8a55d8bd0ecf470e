"""The house keeps its layers, and each check is shown to catch what it is there for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    rules.unplanned_modules,
    rules.unmarked_packages,
    rules.impure_calls,
    rules.key_material,
    rules.oversized,
    rules.leaked_addresses,
]
PACKAGES = [
    "core",
    "dex",
    "engines",
    "engines/funding",
    "engines/scalp",
    "runtime",
    "sim",
    "storage",
    "venues",
    "dashboard",
    "research",
]
# Assembled, so that the rule under test does not find them in this file.
HOME, REGISTRY = "/" + "root/checkout", "registry" + ".npmjs.org"


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """The contracts of this project over the package in another folder."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
            "--config",
            str(ROOT / "pyproject.toml"),
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small checkout that keeps every rule."""
    for name in PACKAGES:
        (tmp_path / rules.PACKAGE / name).mkdir(parents=True)
        (tmp_path / rules.PACKAGE / name / "__init__.py").touch()
    (tmp_path / rules.PACKAGE / "__init__.py").touch()
    (tmp_path / rules.PACKAGE / "engines/base.py").touch()
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def write(house: Path, name: str, text: str) -> None:
    path = house / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_clean_house_keeps_the_rule(rule: Callable[[Path], list[str]], house: Path) -> None:
    assert rule(house) == []


def test_the_project_keeps_its_import_contracts() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_clean_house_keeps_the_import_contracts(house: Path) -> None:
    done = lint_imports(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("core/kernel.py", "import phantom_arbiter.runtime"),
        ("engines/base.py", "from phantom_arbiter import sim"),
        ("sim/driver.py", "import phantom_arbiter.storage"),
        ("research/backtest.py", "import phantom_arbiter.venues"),
        ("engines/funding/logic.py", "import phantom_arbiter.engines.scalp"),
        ("dex/quote.py", "import asyncio"),
        ("engines/scalp/logic.py", "from time import monotonic"),
        ("helpers.py", "import phantom_arbiter.core"),
    ],
)
def test_a_crossed_layer_fails_the_contracts(house: Path, module: str, imports: str) -> None:
    write(house, f"{rules.PACKAGE}/{module}", imports + "\n")
    done = lint_imports(house)
    assert done.returncode == 1
    assert " broken." in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["helpers.py", "utils/text.py", "engines/grid/logic.py"])
def test_a_module_outside_the_architecture_is_found(house: Path, module: str) -> None:
    write(house, f"{rules.PACKAGE}/{module}", '"""A stranger."""\n')
    assert len(rules.unplanned_modules(house)) == 1


def test_a_folder_that_the_contracts_would_not_see_is_found(house: Path) -> None:
    write(house, f"{rules.PACKAGE}/engines/arb/logic.py", "import phantom_arbiter.engines.scalp\n")
    (found,) = rules.unmarked_packages(house)
    assert found.startswith(f"{rules.PACKAGE}/engines/arb: ")


@pytest.mark.parametrize(
    "code",
    [
        "import time\nNOW = time.time_ns()\n",
        "from time import monotonic as age\nNOW = age()\n",
        "import datetime as dt\nNOW = dt.datetime.now(dt.UTC)\n",
        "from datetime import date\nNOW = date.today()\n",
        "import numpy as np\nX = np.random.normal()\n",
        "TEXT = open('x')\n",
    ],
)
def test_an_impure_call_is_found(house: Path, code: str) -> None:
    write(house, f"{rules.PACKAGE}/core/clock.py", code)
    write(house, f"{rules.PACKAGE}/runtime/clock.py", code)
    assert len(rules.impure_calls(house)) == 1


def test_the_time_of_an_envelope_is_no_clock(house: Path) -> None:
    code = "from datetime import UTC, datetime\nat = datetime.fromtimestamp(0, UTC)\ntime = at.time()\nbook.open()\n"
    write(house, f"{rules.PACKAGE}/core/clock.py", code)
    assert rules.impure_calls(house) == []


@pytest.mark.parametrize(
    "code",
    [
        "from solders.keypair import Keypair\n",
        "def sign(secret_key: bytes) -> bytes: ...\n",
        "sign(privateKey=b'')\n",
        "import solders.keypair as k\n",
        "wallet.SECRET_KEY = b''\n",
    ],
)
def test_key_material_is_found_anywhere_but_in_its_own_module(house: Path, code: str) -> None:
    write(house, str(rules.KEY_FILE), code)
    assert rules.key_material(house) == []
    write(house, f"{rules.PACKAGE}/dashboard/page.py", code)
    assert rules.key_material(house) != []


def test_a_long_file_and_a_long_function_are_found(house: Path) -> None:
    write(house, "src/page.ts", "let x = 1;\n" * 401)
    write(house, "src/types.ts", "// Generated from the types. Do not edit.\n" + "let x = 1;\n" * 401)
    write(house, "src/fine.ts", "let x = 1;\n" * 400)
    write(house, "src/long.py", "def long() -> None:\n" + "    pass\n" * 60)
    write(house, "src/fits.py", "def fits() -> None:\n" + "    pass\n" * 59)
    assert rules.oversized(house) == [
        "src/long.py:1: long has 61 lines, 60 are allowed",
        "src/page.ts: 401 lines, 400 are allowed",
    ]


@pytest.mark.parametrize("text", [f"see {HOME}/x", f'"{HOME}"', f"index = https://{REGISTRY}/", "cd /" + "tmp"])
def test_a_leaked_address_is_found(house: Path, text: str) -> None:
    write(house, "README.md", f"line one\n{text}\n")
    (found,) = rules.leaked_addresses(house)
    assert found.startswith("README.md:2: ")


def test_a_path_below_another_is_no_leak(house: Path) -> None:
    write(house, "README.md", "https://example.com/work/x and src/root/x and </root> and merkle/root\n")
    assert rules.leaked_addresses(house) == []


def test_files_that_git_ignores_are_not_read(house: Path) -> None:
    write(house, ".gitignore", "runs/\n")
    write(house, "runs/log.txt", HOME)
    assert rules.leaked_addresses(house) == []
