"""Starting and stopping, and ports that are taken."""

from __future__ import annotations

import socket

import pytest

from phantom_arbiter.dashboard.listening import PortInUseError, listen_loopback
from phantom_arbiter.dashboard.server import DashboardServer

pytestmark = pytest.mark.anyio


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("which", "setting"), [("http_port", "server.http_port"), ("ws_port", "server.websocket_port")]
)
async def test_a_port_in_use_is_named_and_nothing_stays_open(port, which, setting):
    other = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        ports = {"http_port": other, "ws_port": other, which: number}
        with pytest.raises(PortInUseError) as refused:
            await DashboardServer(port, **ports).start()
    assert str(number) in str(refused.value)
    assert setting in str(refused.value)
    with socket.socket() as again:
        again.bind(("127.0.0.1", other))


async def test_start_stop_start_on_the_same_ports(port):
    first = DashboardServer(port, http_port=0, ws_port=0)
    await first.start()
    with pytest.raises(RuntimeError, match="started already"):
        await first.start()
    await first.stop()
    await first.stop()
    second = DashboardServer(port, http_port=first.http_port, ws_port=first.ws_port)
    await second.start()
    assert second.token != first.token
    await second.stop()


def test_it_listens_on_loopback_only():
    sockets = listen_loopback(0, "server.http_port")
    addresses = {sock.getsockname()[0] for sock in sockets}
    numbers = {sock.getsockname()[1] for sock in sockets}
    for sock in sockets:
        sock.close()
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1"}
    assert len(numbers) == 1
