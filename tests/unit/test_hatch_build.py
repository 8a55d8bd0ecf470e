"""The build hook: which Node it takes, when it builds, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import hatch_build
from hatch_build import PageBuildError, build_page, is_built, main, needs_node_wheel, page_hash, supported

# A vite that writes the page and, beside the sources, one line for each time it was started.
VITE = """#!/bin/sh
mkdir -p ../src/phantom_arbiter/dashboard/web
echo page > ../src/phantom_arbiter/dashboard/web/index.html
echo built >> ../builds
"""
NPM = "#!/bin/sh\nmkdir -p node_modules\n"
NODE = '#!/bin/sh\nif [ "$1" = --version ]; then echo v20.19.0; else exec sh "$@"; fi\n'


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a page, and a small Node and npm that are alone on PATH."""
    root = tmp_path / "checkout"
    (root / "ui/src").mkdir(parents=True)
    (root / "ui/src/main.ts").write_text("let x = 1;\n", encoding="ascii")
    (root / "ui/package-lock.json").write_text("{}\n", encoding="ascii")
    executable(root / "ui/node_modules/vite/bin/vite.js", VITE)
    executable(tmp_path / "bin/node", NODE)
    executable(tmp_path / "bin/npm", NPM)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    return root


@pytest.mark.parametrize("version", ["v20.19.0\n", "v20.20.2", "v22.12.0", "v24.19.0", "v25.0.0-nightly"])
def test_a_node_that_vite_runs_on(version: str) -> None:
    assert supported(version)


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.9", "v21.7.3", "v22.11.0", "", "20.19.0", "node"])
def test_a_node_that_vite_does_not_run_on(version: str) -> None:
    assert not supported(version)


def test_the_page_is_built_once_and_again_only_when_its_sources_change(checkout: Path) -> None:
    builds = checkout / "builds"
    assert build_page(checkout)
    assert not build_page(checkout)
    assert builds.read_text().count("built") == 1
    (checkout / "ui/src/main.ts").write_text("let x = 2;\n", encoding="ascii")
    assert build_page(checkout)
    assert builds.read_text().count("built") == 2


def test_installed_packages_are_no_source(checkout: Path) -> None:
    before = page_hash(checkout)
    (checkout / "ui/node_modules/more.js").write_text("x", encoding="ascii")
    assert page_hash(checkout) == before
    (checkout / "ui/src/main.ts").rename(checkout / "ui/src/other.ts")
    assert page_hash(checkout) != before


def test_a_built_page_needs_no_node(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_page(checkout)
    monkeypatch.setenv("PATH", "")
    assert not needs_node_wheel(checkout)
    assert not build_page(checkout)


def test_a_built_page_without_its_sources_is_used(checkout: Path) -> None:
    build_page(checkout)
    (checkout / "ui").rename(checkout / "elsewhere")
    assert is_built(checkout)


def test_a_page_to_build_without_a_node_needs_the_wheel(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not needs_node_wheel(checkout)
    monkeypatch.setenv("PATH", "")
    assert needs_node_wheel(checkout)


def test_neither_page_nor_sources_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PageBuildError, match="neither a built page nor ui/"):
        build_page(tmp_path)


def test_an_unreachable_registry_is_named(checkout: Path, tmp_path: Path) -> None:
    executable(tmp_path / "bin/npm", "#!/bin/sh\necho npm error code ENOTFOUND >&2\nexit 1\n")
    with pytest.raises(PageBuildError, match="registry cannot be reached"):
        build_page(checkout)
    assert not is_built(checkout)


def test_another_failure_of_npm_is_shown_as_it_is(checkout: Path, tmp_path: Path) -> None:
    executable(tmp_path / "bin/npm", "#!/bin/sh\necho npm error code EUSAGE >&2\nexit 7\n")
    with pytest.raises(PageBuildError, match=r"failed \(7\):\nnpm error code EUSAGE") as caught:
        build_page(checkout)
    assert "registry" not in str(caught.value)


def test_a_failing_build_leaves_no_stamp(checkout: Path) -> None:
    executable(checkout / "ui/node_modules/vite/bin/vite.js", VITE + "echo no such file\nexit 1\n")
    with pytest.raises(PageBuildError, match="no such file"):
        build_page(checkout)
    assert not is_built(checkout)


@pytest.mark.parametrize("arguments", [[], ["bild"], ["build", "now"]])
def test_an_unknown_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: " in capsys.readouterr().err


def test_the_lock_file_names_no_host() -> None:
    lock = (Path(hatch_build.__file__).parent / "ui/package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock


def test_it_runs_as_a_command() -> None:
    done = subprocess.run([sys.executable, hatch_build.__file__], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
