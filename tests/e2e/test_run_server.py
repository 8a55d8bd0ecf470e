"""``phantom run`` as a user has it: started, looked at, stopped, killed, and started again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.command import PATIENCE_S, begin, facts_in, ignore_signals, phantom, result, sealed, until

STOP_S: Final = 3.0


class Server:
    """One folder, one pair of ports; `start` after `stop` or `kill` goes on with what is there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as one, socket.socket() as other:
            for probe in (one, other):
                probe.bind(("127.0.0.1", 0))
            self.port, self.websocket_port = one.getsockname()[1], other.getsockname()[1]
        self.config = home / "phantom.toml"
        self.config.write_text(
            f"[market]\nspeed = 300.0\n[server]\nhttp_port = {self.port}\nwebsocket_port = {self.websocket_port}\n"
        )
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    def start(self) -> None:
        """Returns when it says where the dashboard is."""
        self.process = begin(self.home, "run", "--config", self.config, prepare=ignore_signals)
        assert self.process.stderr is not None
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if f"the dashboard is at http://localhost:{self.port} (paper)" in line:
                return
        raise AssertionError(f"it ended with {self.process.wait()}: {self.said}")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S) as answer:
            assert answer.status == 200
            return json.loads(answer.read())

    def page(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=PATIENCE_S) as answer:
            return str(answer.read(), "utf-8")

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; its exit code, and how long it took."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE_S)
        self.said.append(said)
        return self.process.returncode, time.monotonic() - began_s

    @property
    def journal(self) -> Path:
        paper = self.home / "paper"
        return paper / (paper / "current").read_text() / "journal.db"

    def later(self, seconds: float) -> None:
        """Until the market went on by so much."""
        assert self.process is not None
        goal = self.now_s() + seconds
        until(self.process, lambda: self.now_s() >= goal)

    def now_s(self) -> float:
        """The market's time, by its newest equity point."""
        point = self.get("/api/vaults")["equity"]
        return point["ts"] / 1_000 if point else 0.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.process.kill()
        one.process.communicate()


def test_started_stopped_killed_and_started_again(server: Server) -> None:
    server.start()
    assert "<html" in server.page().lower()
    assert server.get("/healthz")["ok"]
    assert [card["id"] for card in server.get("/api/engines")["engines"]] == ["funding", "lst", "scalp", "arb"]
    server.later(120)
    assert server.get("/api/journal?limit=5")["rows"]

    with socket.create_connection(("127.0.0.1", server.port)):  # a client that stays does not hold it up
        code, took_s = server.end(signal.SIGINT)
    assert code == 0
    assert took_s <= STOP_S
    assert "stopped; the run is saved" in server.said[-1]
    assert "Traceback" not in "".join(server.said)
    first = server.journal
    assert not first.with_name("journal.db-wal").exists()
    assert sealed(first) == "ended"
    stopped = result(phantom(server.home, "report", first.parent, "--json"))

    server.start()
    assert any(f"resumed {first.parent.name} at fact {stopped['facts']}" in line for line in server.said)
    assert server.journal == first
    server.later(60)
    second = phantom(server.home, "run", "--config", server.config)
    assert second.returncode == 3
    assert second.stderr.splitlines()[-1].startswith("error: ")
    assert f"in use by process {server.process.pid}; " in second.stderr  # type: ignore[union-attr]
    elsewhere = phantom(server.home, "run", "--config", server.config, "--home", server.home / "other")
    assert elsewhere.returncode == 3
    assert f"error: port {server.port} on 127.0.0.1 is in use" in elsewhere.stderr
    assert "Traceback" not in elsewhere.stderr
    server.end(signal.SIGKILL)
    killed_at = facts_in(first)
    assert killed_at > stopped["facts"]

    server.start()
    assert server.journal == first
    assert server.get("/healthz")["ok"]
    code, took_s = server.end(signal.SIGTERM)
    assert (code, took_s <= STOP_S) == (0, True)
    assert sealed(first) == "crashed-recovered"
    report = result(phantom(server.home, "report", first.parent, "--json"))
    assert report["facts"] >= killed_at
    for engine, before in stopped["engines"].items():
        assert report["engines"][engine]["trades"] >= before["trades"]
