"""The compiled kernels of `dex`, made before anything waits for them: ``python -m phantom_arbiter.app.kernels``.

numba keeps what it compiled beside the modules, or in the user's cache folder where it may not write there. It compares
a cache with the kernel's own file only; a kernel is compiled together with the others', so a cache older than any of
them is thrown away here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from phantom_arbiter import dex
from phantom_arbiter.app.console import say
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.routes import RouteIndex
from phantom_arbiter.dex.split import split_cycle

FOLDER: Final = Path(dex.__file__).parent
PYTHON: Final = f"py{sys.version_info.major}{sys.version_info.minor}"
"""In the name of a cache file."""
NOW: Final = Moment(0, 0, 0)


def prepare(tell: Callable[[str], None]) -> None:
    """Load every kernel; compile those without a cache that is as new as the sources, after a line to ``tell``."""
    found = {kernel: _caches(kernel) for kernel in kernels()}
    sources = [*FOLDER.glob("*_kernel.py"), FOLDER / "route_graph.py"]
    if not all(is_fresh(caches, sources) for caches in found.values()):
        tell("Compiling the arbitrage search, once on this machine: some twenty seconds")
        for caches in found.values():
            for cache in caches:
                cache.unlink(missing_ok=True)
    _use()


def kernels() -> list[Any]:
    """Every compiled function of `dex`. This imports numba, which takes half a second."""
    from numba.core.dispatcher import Dispatcher

    modules = [import_module(f"{dex.__name__}.{path.stem}") for path in sorted(FOLDER.glob("*_kernel.py"))]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]


def is_fresh(caches: Iterable[Path], sources: Iterable[Path]) -> bool:
    """Whether one of the caches is no older than any of the sources."""
    newest_s = max(source.stat().st_mtime for source in sources)
    return any(cache.stat().st_mtime >= newest_s for cache in caches)


def _caches(kernel: Any) -> list[Path]:
    """The indices of what was compiled of a kernel for this Python; older lines of its file may have left some."""
    name = f"{kernel.py_func.__module__.rpartition('.')[2]}.{kernel.py_func.__name__}-*.{PYTHON}*.nbi"
    return sorted(Path(kernel.stats.cache_path).glob(name))


def _use() -> None:
    """Call every kernel as the engine does: numba compiles, or takes from its cache, what is called."""
    cheap, dear = ConstantProductPool(10**9, 10**9, 25, 10_000), ConstantProductPool(10**9, 2 * 10**9, 25, 10_000)
    index = RouteIndex(["base"])
    index.add("cheap", "base", "token", cheap, NOW)
    index.best_rates("cheap")
    index.add("dear", "base", "token", dear, NOW)  # settles the pool that was there
    index.best_cycle("dear")
    split_cycle([[(dear, True), (dear, True)], [(cheap, False)]], 10**9, NOW)
    convex_bound([PlacedPool("base", "token", cheap), PlacedPool("base", "token", dear)], {"base": 1.0}, NOW)


if __name__ == "__main__":
    prepare(say)
