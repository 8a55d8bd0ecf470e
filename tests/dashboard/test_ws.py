"""The socket on real loopback connections: who gets in, what is refused and how, and no client holds up another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from phantom_arbiter.core.commands import ClosePosition, Kill, KillLevel, StartEngine
from phantom_arbiter.dashboard.requests import NotAvailable
from phantom_arbiter.dashboard.rows import LogEntry
from phantom_arbiter.dashboard.ws import MAX_CLIENTS, MAX_IN_FLIGHT, WsLimits
from tests.dashboard.harness import START_MS, MemoryPort, ask, engine_card, log_in, receive

pytestmark = pytest.mark.anyio

START = {"id": "c1", "action": "START_ENGINE", "engine": "funding"}


async def close_code(connection: ClientConnection) -> int:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(5):
            async for _ in connection:
                pass
    assert connection.close_code is not None
    return connection.close_code


async def test_a_snapshot_then_updates(server, port, dial):
    async with dial() as client:
        snapshot = await log_in(client, server)
        assert snapshot["data"]["engines"][0]["id"] == "funding"
        assert snapshot["ts"] == START_MS
        port.projector.engine(engine_card(trades=5))
        server.publish(port.projector.flush(1))
        update = await receive(client)
        assert (update["type"], update["data"]["trades"]) == ("ENGINE_STATUS", 5)
        assert update["seq"] > snapshot["seq"]


async def test_messages_are_encoded_once(server, dial):
    async with dial() as client:
        await client.send(json.dumps({"action": "AUTH", "token": server.token}))
        message = await client.recv()
        assert isinstance(message, str)
        frame = json.loads(message)
        assert list(frame) == ["type", "seq", "ts", "data"]
        assert isinstance(frame["data"], dict)


async def test_two_clients_are_told_the_same(server, port, dial):
    async with dial() as one, dial() as two:
        await log_in(one, server)
        await log_in(two, server)
        for trades in (5, 6, 7):
            port.projector.engine(engine_card(trades=trades))
            server.publish(port.projector.flush(trades))
        told = [[await receive(client) for _ in range(3)] for client in (one, two)]
        assert told[0] == told[1]
        assert [frame["data"]["trades"] for frame in told[0]] == [5, 6, 7]


async def test_a_command_is_answered_once_and_only_to_its_sender(server, port, dial):
    async with dial() as one, dial() as two:
        await log_in(one, server)
        await log_in(two, server)
        answer = await ask(one, {**START, "mode": "paper"})
        assert answer == {
            "id": "c1",
            "action": "START_ENGINE",
            "success": True,
            "code": "ok",
            "message": "accepted",
            "tx_signature": None,
            "preview": None,
        }
        assert port.requests[0].command == StartEngine("funding")
        # The next thing either of them hears is this update: there was no second answer.
        port.projector.engine(engine_card(trades=9))
        server.publish(port.projector.flush(1))
        assert (await receive(one))["type"] == "ENGINE_STATUS"
        assert (await receive(two))["type"] == "ENGINE_STATUS"


async def test_close_position_names_the_position_apart_from_the_command(server, port, dial):
    async with dial() as client:
        await log_in(client, server)
        answer = await ask(client, {"id": "c", "action": "CLOSE_POSITION", "engine": "lst", "position_id": "p-7"})
        assert answer["success"]
        assert port.requests[0].id == "c"
        assert port.requests[0].command == ClosePosition("lst", "p-7")


async def test_kill_reaches_the_application(server, port, dial):
    async with dial() as client:
        await log_in(client, server)
        await ask(client, {"id": "k", "action": "KILL", "level": "flatten"})
        assert port.requests[0].command == Kill(KillLevel.FLATTEN)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:9001",
        "https://localhost:{http}",
        "null",
        "http://evil.localhost:{http}",
    ],
)
async def test_a_foreign_origin_is_refused(server, dial, origin):
    with pytest.raises(InvalidStatus) as refused:
        await dial(origin=origin.format(http=server.http_port))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["rebind.example", "rebind.example:{ws}", "127.0.0.1", "localhost:{http}"])
async def test_a_rebound_host_is_refused(server, host):
    wanted = host.format(ws=server.ws_port, http=server.http_port)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ws_port)
    writer.write(
        f"GET / HTTP/1.1\r\nHost: {wanted}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 421 " in status


async def test_a_program_without_origin_needs_the_token_only(server, dial):
    async with dial(origin=None) as client:
        await log_in(client, server)


@pytest.mark.parametrize(
    "first",
    [
        {"action": "AUTH", "token": "wrong"},
        START,
        {"action": "AUTH"},
        [1],
        "not json",
    ],
)
async def test_without_the_token_nothing_is_told_or_done(server, port, dial, first):
    async with dial() as client:
        answer = await ask(client, first)
        assert not answer["success"]
        assert answer["code"] in {"unauthorized", "missing_field", "malformed"}
        assert await close_code(client) == 4401
    assert port.requests == []


async def test_a_token_in_the_address_is_worth_nothing(server, dial):
    from websockets.asyncio.client import connect

    address = f"ws://127.0.0.1:{server.ws_port}/?token={server.token}"
    async with connect(address, proxy=None) as client:
        assert (await ask(client, START))["code"] == "unauthorized"


class TestHurried:
    """With short limits."""

    @pytest.fixture
    def limits(self) -> WsLimits:
        return WsLimits(auth_s=0.05, command_s=0.05, burst=3, per_second=0.001)

    async def test_silence_instead_of_auth_is_closed(self, server, dial):
        async with dial() as client:
            assert await close_code(client) == 4401

    async def test_a_late_command_is_answered_in_time_and_not_cancelled(self, server, port, dial):
        port.hold = asyncio.Event()
        async with dial() as client:
            await log_in(client, server)
            answer = await ask(client, START)
            assert (answer["success"], answer["code"]) == (False, "timeout")
            port.hold.set()
            port.projector.engine(engine_card(trades=9))
            server.publish(port.projector.flush(1))
            assert (await receive(client))["type"] == "ENGINE_STATUS"  # and no second answer

    async def test_a_command_that_hangs_does_not_hold_up_the_stop(self, server, port, dial):
        port.hold = asyncio.Event()
        async with dial() as client:
            await log_in(client, server)
            assert (await ask(client, START))["code"] == "timeout"
        async with asyncio.timeout(5):
            await server.stop()

    async def test_too_many_commands_are_refused_then_closed(self, server, port, dial):
        async with dial() as client:
            await log_in(client, server)
            codes = [(await ask(client, {**START, "id": f"c{i}"}))["code"] for i in range(5)]
            assert codes == ["ok", "ok", "ok", "rate_limited", "rate_limited"]
            for i in range(100):
                await client.send(json.dumps({**START, "id": f"d{i}"}))
            assert await close_code(client) == 1008
        assert len(port.requests) == 3


TAKE = {"id": "1", "action": "TAKE_POSITION", "market": "SOL-PERP", "size": 1, "preview_hash": "abc"}
MALFORMED = ("malformed", ["JSON"])


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("{", "malformed", ["JSON"]),
        ("[]", "malformed", ["object"]),
        ("[" * 60_000, "malformed", []),
        ({"id": "1"}, "unknown_action", ["action", "START_ENGINE"]),
        ({"id": "1", "action": "SELL_ALL"}, "unknown_action", ["SELL_ALL"]),
        ({"id": "1", "action": ["KILL"]}, "unknown_action", ["KILL"]),
        ({"action": "DISARM_LIVE"}, "invalid_field", ["id", "null", "string"]),
        ({"id": 5, "action": "RESET_KILL"}, "invalid_field", ["id", "5"]),
        ({"id": "x" * 65, "action": "RESET_KILL"}, "invalid_field", ["id", "64"]),
        ({"id": "1", "action": "STOP_ENGINE", "engine": "moon"}, "unknown_engine", ["engine", "moon", "scalp"]),
        ({"id": "1", "action": "STOP_ENGINE"}, "missing_field", ["engine"]),
        ({"id": "1", "action": "STOP_ENGINE", "engine": 3}, "invalid_field", ["engine", "3", "str"]),
        ({"id": "1", "action": "STOP_ENGINE", "engine": "lst", "force": True}, "unknown_field", ["force", "engine"]),
        ({"id": "1", "action": "KILL", "level": "gently"}, "invalid_field", ["level", "gently"]),
        ({"id": "1", "action": "RESET_PAPER", "balances": {"SOL": 5}}, "invalid_field", ["balances", "str"]),
        ({"id": "1", "action": "DRIFT_DEPOSIT", "amount": -1}, "invalid_field", ["amount", "-1", "0"]),
        ({"id": "1", "action": "DRIFT_WITHDRAW", "amount": "all"}, "invalid_field", ["amount", "all", "float"]),
        ({**TAKE, "size": 0}, "invalid_field", ["size", "0"]),
        ({**TAKE, "size": -4.2}, "invalid_field", ["size", "-4.2"]),
        ({**TAKE, "size": 1e30}, "invalid_field", ["size", "1e30"]),
        ('{"id": "1", "action": "TAKE_POSITION", "market": "SOL-PERP", "size": NaN, "preview_hash": "a"}', *MALFORMED),
        ({**TAKE, "preview_hash": ""}, "invalid_field", ["preview_hash", "1"]),
        ({"id": "1", "action": "PREVIEW", "of": "SELL_ALL", "market": "SOL-PERP"}, "invalid_field", ["of", "SELL_ALL"]),
    ],
)
async def test_a_bad_message_is_named_and_the_client_stays(server, port, dial, message, code, words):
    async with dial() as client:
        await log_in(client, server)
        answer = await ask(client, message)
        assert (answer["success"], answer["code"]) == (False, code)
        assert all(word in answer["message"] for word in words), answer["message"]
        assert port.requests == []
        assert (await ask(client, START))["success"]


EXAMPLES: list[dict[str, Any]] = [
    {"action": "ARM_LIVE", "engine": "funding", "confirmation": "yes"},
    {"action": "DISARM_LIVE"},
]


def test_every_action_without_a_use_has_an_example():
    tags = {struct.__struct_config__.tag for struct in NotAvailable.__args__}
    assert {example["action"] for example in EXAMPLES} == tags


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: message["action"])
async def test_what_is_not_offered_says_so(server, port, dial, message):
    async with dial() as client:
        await log_in(client, server)
        answer = await ask(client, {"id": "n", **message})
        assert (answer["id"], answer["action"], answer["success"]) == ("n", message["action"], False)
        assert answer["code"] == "not_available"
        assert port.requests == []


async def test_binary_is_closed(server, dial):
    async with dial() as client:
        await log_in(client, server)
        await client.send(b"\x00")
        assert await close_code(client) == 1003


async def test_an_oversized_message_is_closed(server, dial):
    async with dial() as client:
        await log_in(client, server)
        await client.send(json.dumps({**START, "mode": "x" * 65_536}))
        assert await close_code(client) == 1009


async def test_auth_twice_is_refused(server, dial):
    async with dial() as client:
        await log_in(client, server)
        assert (await ask(client, {"action": "AUTH", "token": server.token}))["code"] == "already_authenticated"


async def test_an_id_under_way_is_refused_and_too_many_are_busy(server, port, dial):
    port.hold = asyncio.Event()
    async with dial() as client:
        await log_in(client, server)
        for i in range(MAX_IN_FLIGHT):
            await client.send(json.dumps({**START, "id": f"c{i}"}))
        assert (await ask(client, {**START, "id": "c0"}))["code"] == "duplicate_id"
        assert (await ask(client, {**START, "id": "new"}))["code"] == "busy"
        port.hold.set()
        answers = [(await receive(client))["data"] for _ in range(MAX_IN_FLIGHT)]
        assert {answer["id"] for answer in answers} == {f"c{i}" for i in range(MAX_IN_FLIGHT)}
        assert all(answer["success"] for answer in answers)


async def test_a_bug_in_the_application_is_an_answer_and_is_reported(server, port, dial):
    reported: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.put_nowait(context["exception"]))
    port.bug = KeyError("ledger")
    async with dial() as client:
        await log_in(client, server)
        answer = await ask(client, START)
        assert (answer["success"], answer["code"]) == (False, "internal_error")
        assert "ledger" not in answer["message"]
    async with asyncio.timeout(5):
        assert await reported.get() is port.bug


async def test_a_client_too_many_is_refused(server, dial):
    clients = [await dial() for _ in range(MAX_CLIENTS)]
    try:
        with pytest.raises(InvalidStatus) as refused:
            await dial()
        assert refused.value.response.status_code == 503
    finally:
        await asyncio.gather(*(client.close() for client in clients))


def flood(port: MemoryPort, server: Any, first: int, count: int) -> None:
    for i in range(first, first + count):
        port.projector.log(
            LogEntry(id=str(i), ts=START_MS + i, level="INFO", source="test", message="x" * 2_000, fields={})
        )
        server.publish(port.projector.flush(i))


async def test_a_slow_client_gets_a_snapshot_and_holds_up_nobody(server, port, dial):
    # The slow one has a small receive window and doesn't read.
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    small.connect(("127.0.0.1", server.ws_port))
    small.setblocking(False)
    async with dial(sock=small, max_queue=1) as slow, dial() as fast:
        await log_in(slow, server)
        await log_in(fast, server)
        for first in range(0, 6_000, 200):
            flood(port, server, first, 200)
            got = [(await receive(fast))["data"]["id"] for _ in range(200)]
            assert got == [str(i) for i in range(first, first + 200)]
        seen = 0
        while (frame := await receive(slow))["type"] == "LOG_ENTRY":
            seen += 1
        assert seen < 6_000
        assert frame["type"] == "SNAPSHOT"
        assert frame["data"]["logs"][-1]["id"] == "5999"


async def test_stop_closes_clients(server, dial):
    async with dial() as client:
        await log_in(client, server)
        await server.stop()
        assert await close_code(client) == 1001
