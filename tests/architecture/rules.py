"""What import-linter cannot see, read from the source: each rule takes a directory and returns its violations."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path("src/phantom_arbiter")
TOP_LEVEL = frozenset(
    {"__init__", "app", "cli", "config", "core", "dashboard", "dex", "engines", "research"}
    | {"runtime", "sim", "storage", "venues"}
)
ENGINES = frozenset({"arb", "funding", "lst_depeg", "scalp"})
PURE = ("core", "dex", "engines")
KEY_FILE = PACKAGE / "venues/solana/keys.py"
KEY_MATERIAL = re.compile(r"keypair|secretkey|privatekey|seedphrase|mnemonic")
IMPURE_CALL = re.compile(
    r"time\.\w+|datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|numpy\.random\.\w+"
    r"|(builtins\.)?(open|print|input)"
)
FILE_LINES = 400
FUNCTION_LINES = 60
GENERATED = re.compile(r"(//|#) Generated\b.*Do not edit")
# Written in pieces so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.<~-])/(?:work|root|tmp|home/\w+)(?=[/\s'\"`:,;)\]]|$)", re.MULTILINE)
REGISTRY_HOST = re.compile("registry" + r"\.npmjs\.|registry\.yarnpkg\.|\bpypi\." + r"org\b|python" + r"hosted\.org")


def python_files(root: Path, *folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file under the folders, with its syntax tree; the path is relative to root."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"), str(path))


def versioned_files(root: Path) -> list[Path]:
    """What git tracks or would add, relative to root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(listed.stdout.split("\0")) - {""})
    return [Path(name) for name in names if (root / name).is_file()]


def unplanned_modules(root: Path) -> list[str]:
    """Top-level modules and packages, and engines, that the architecture does not name."""
    modules = [path for path in sorted((root / PACKAGE).iterdir()) if path.suffix == ".py" or is_package(path)]
    engines = [path for path in sorted((root / PACKAGE / "engines").glob("*")) if is_package(path)]
    strangers = [path for path in modules if path.stem not in TOP_LEVEL]
    strangers += [path for path in engines if path.name not in ENGINES]
    return [f"{path.relative_to(root)}: the architecture does not name it" for path in strangers]


def is_package(path: Path) -> bool:
    """Whether this is a folder with Python in it."""
    return path.is_dir() and any(path.rglob("*.py"))


def unmarked_packages(root: Path) -> list[str]:
    """Folders with Python but no ``__init__.py``: import-linter and mypy would pass them over in silence."""
    folders = sorted({path.parent for path in (root / PACKAGE).rglob("*.py")})
    return [f"{f.relative_to(root)}: has no __init__.py" for f in folders if not (f / "__init__.py").is_file()]


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Local name -> full dotted name, for everything the module imports."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or full] = full
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted_name(node: ast.expr, imported: dict[str, str]) -> str | None:
    """``a.b.c`` with its first name resolved through the imports; None for any other expression."""
    if isinstance(node, ast.Name):
        return imported.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted_name(node.value, imported)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def impure_calls(root: Path) -> list[str]:
    """Calls in the pure packages that read a clock, draw from a global random stream, or do I/O."""
    found = []
    for path, tree in python_files(root, *(str(PACKAGE / name) for name in PURE)):
        imported = imported_names(tree)
        for node in ast.walk(tree):
            name = dotted_name(node.func, imported) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and name is not None and IMPURE_CALL.fullmatch(name):
                found.append(f"{path}:{node.lineno}: calls {name}; time and randomness are handed in")
    return found


def identifiers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name the module defines, imports or uses, with its line; not what strings and comments say."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, line
            case ast.alias(name=name, asname=other):
                yield name, line
                yield other or "", line
            case ast.keyword(arg=str(name)):
                yield name, line


def key_material(root: Path) -> list[str]:
    """Names of secret keys anywhere but in the one module that holds them."""
    return [
        f"{path}:{line}: {name}; only {KEY_FILE} may see key material"
        for path, tree in python_files(root, str(PACKAGE))
        if path != KEY_FILE
        for name, line in identifiers(tree)
        if KEY_MATERIAL.search(name.replace("_", "").lower())
    ]


def oversized(root: Path) -> list[str]:
    """Source files over 400 lines and Python functions over 60, docstring included; generated files are exempt."""
    found = []
    for path in versioned_files(root):
        if path.suffix not in {".py", ".ts", ".svelte"}:
            continue
        text = (root / path).read_text(encoding="utf-8")
        if GENERATED.match(text):
            continue
        if (lines := len(text.splitlines())) > FILE_LINES:
            found.append(f"{path}: {lines} lines, {FILE_LINES} are allowed")
        if path.suffix == ".py":
            found += [f"{path}:{line}" for line in oversized_functions(ast.parse(text, str(path)))]
    return found


def oversized_functions(tree: ast.Module) -> Iterator[str]:
    """``line: name has n lines`` for each function that is too long."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {lines} lines, {FUNCTION_LINES} are allowed"


def leaked_addresses(root: Path) -> list[str]:
    """Paths of one machine and hosts of package registries in files that git holds."""
    found = []
    for path in versioned_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for pattern in (MACHINE_PATH, REGISTRY_HOST):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {match[0]} belongs to one machine or one registry")
    return found
