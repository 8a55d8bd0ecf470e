"""How long ``GET /api/drift/markets`` takes while a run trades, under 50 clients, beside a bare Starlette application.

Ours is ``phantom run`` at its default pace, after a while at a fast one so that funding was posted. Each client keeps
its connection and asks every 100 ms, all of them out of step: 500 requests a second. The peer answers with the bytes
that ours gave, from memory, and does nothing else: the difference is what trading beside it costs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import Result

CLIENTS: Final = 50
ASKS: Final = 100
PERIOD_S: Final = 0.1
PATIENCE_S: Final = 60.0
PATH: Final = "/api/drift/markets"
PEER: Final = Path(__file__).parent / "peers" / "constant.py"


def run() -> list[Result]:
    """The 99th percentile of both, in milliseconds."""
    with TemporaryDirectory() as folder:
        ours, body = _ours(Path(folder))
        (Path(folder) / "answer.json").write_bytes(body)
        theirs, same = _peers(Path(folder) / "answer.json")
    result = Result.compare(
        "markets_api p99",
        "ms",
        ours=percentile(ours, 0.99) * 1e3,
        peer="starlette, constant bytes",
        peer_value=percentile(theirs, 0.99) * 1e3,
        same_result=same == body,
    )
    return [result]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    return sorted(values)[max(0, round(len(values) * share) - 1)]


def _ours(folder: Path) -> tuple[list[float], bytes]:
    port, websocket_port = free_port(), free_port()
    config = folder / "config.toml"
    config.write_text(f"[server]\nhttp_port = {port}\nwebsocket_port = {websocket_port}\n", encoding="utf-8")
    command = [sys.executable, "-m", "phantom_arbiter.cli", "run", "--config", str(config), "--home", str(folder)]
    with _process([*command, "--speed", "3600"]):
        answer(port)
    with _process(command):
        body = answer(port)
        return asyncio.run(load(port)), body


def _peers(file: Path) -> tuple[list[float], bytes]:
    port = free_port()
    with _process([sys.executable, str(PEER), str(file), str(port)]):
        body = answer(port)
        return asyncio.run(load(port)), body


@contextmanager
def _process(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE_S)


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int) -> bytes:
    """The first good answer; TimeoutError after a minute without one."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}", timeout=5) as response:
                body = bytes(response.read())
                json.loads(body)
                return body
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"no answer from port {port} in {PATIENCE_S:g} s")


async def load(port: int) -> list[float]:
    """Seconds of every request of every client."""
    started = time.perf_counter() + 0.5
    clients = [_client(port, started + PERIOD_S * index / CLIENTS) for index in range(CLIENTS)]
    return [seconds for client in await asyncio.gather(*clients) for seconds in client]


async def _client(port: int, begin: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {PATH} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    found = []
    for ask in range(ASKS):
        await asyncio.sleep(max(0.0, begin + ask * PERIOD_S - time.perf_counter()))
        sent = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        found.append(time.perf_counter() - sent)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"answer: got {head.splitlines()[0]!r}, expected HTTP/1.1 200")
    writer.close()
    return found
