"""``phantom run``: the application with its dashboard until a signal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from loguru import logger

from phantom_arbiter.app import kernels
from phantom_arbiter.app.running import App
from phantom_arbiter.app.stopping import SIGNALS
from phantom_arbiter.config import Config, load, with_market
from phantom_arbiter.storage.runs import default_home


def serve(
    config_path: Path | None, speed: float | None, scenario: str | None, seed: int | None, home: Path | None
) -> int:
    """The dashboard and four engines in paper until SIGINT or SIGTERM."""
    config = with_market(load(config_path), speed=speed, scenario=scenario, seed=seed)
    logger.remove()
    logger.add(sys.stderr, level="INFO", format="<dim>{time:HH:mm:ss}</dim> {message}", backtrace=False, diagnose=False)
    kernels.prepare(logger.info)  # now, or the first pool would hold up the whole dashboard
    return asyncio.run(_serve(config, home or default_home()))


async def _serve(config: Config, home: Path) -> int:
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = App(config, home)
    await app.start()
    logger.info("the dashboard is at http://localhost:{} (paper); Ctrl-C stops", app.server.http_port)
    try:
        await app.until(stop)
    finally:
        await app.stop()
    logger.info("stopped; the run is saved and goes on at the next start")
    return 0
