"""The WebSocket server (:8765): authenticates clients, sends them the run's frames, and takes their commands.

A connection begins with ``{"action": "AUTH", "token": …}`` within 5 s and is answered with a SNAPSHOT. Close codes:
1003 binary, 1008 too many messages, 1009 too big, 1013 too slow, 4401 not authenticated.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from phantom_arbiter.dashboard import decoding
from phantom_arbiter.dashboard.frames import (
    CommandResult,
    CommandResultFrame,
    ServerFrame,
    SnapshotFrame,
    encode,
)
from phantom_arbiter.dashboard.outbox import Outbox, RateLimit
from phantom_arbiter.dashboard.port import DashboardPort
from phantom_arbiter.dashboard.requests import Auth, CommandRequest
from phantom_arbiter.dashboard.security import AllowList, token_matches

MAX_CLIENTS: Final = 32
MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_IN_FLIGHT: Final = 16
MAX_REFUSED_IN_A_ROW: Final = 100
CLOSE_UNAUTHENTICATED: Final = 4401


class WsLimits(Struct, frozen=True):
    """Time limits in seconds, and how often a client may send."""

    auth_s: float = 5.0
    command_s: float = 4.8
    send_s: float = 10.0
    burst: int = 20
    per_second: float = 10.0


class Client:
    """One authenticated connection."""

    def __init__(self, connection: ServerConnection, limits: WsLimits) -> None:
        self.connection = connection
        self.outbox = Outbox()
        self.rate = RateLimit(limits.burst, limits.per_second)
        self.in_flight: set[str] = set()


class WebSocketServer:
    """Serves one port. Use within one event loop: ``await start(sockets)``, ``publish(frames)``, ``await stop()``."""

    def __init__(self, port: DashboardPort, token: str, allow: AllowList, limits: WsLimits | None = None) -> None:
        self._port = port
        self._token = token
        self._allow = allow
        self._limits = limits or WsLimits()
        self._servers: list[Server] = []
        self._connections = 0
        self._clients: set[Client] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._seq = 0
        self._ts = 0

    @property
    def clients(self) -> int:
        """How many are authenticated."""
        return len(self._clients)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on listening sockets."""
        for sock in sockets:
            server = await serve(
                self._handle,
                sock=sock,
                process_request=self._check_request,
                max_size=MAX_MESSAGE_BYTES,
                max_queue=4,
                compression=None,
                open_timeout=5,
                close_timeout=2,
                server_header=None,
            )
            self._servers.append(server)

    async def stop(self) -> None:
        """Close every connection, wait for commands under way as long as for an answer, then cancel them."""
        for server in self._servers:
            server.close(reason="Phantom Arbiter stops")
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        if self._commands:
            _, late = await asyncio.wait(self._commands, timeout=self._limits.command_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def publish(self, frames: Sequence[ServerFrame]) -> None:
        """Send frames to every client. Never waits: a client that falls behind gets a fresh SNAPSHOT instead."""
        for frame in frames:
            message = encode(frame)
            self._seq, self._ts = frame.seq, frame.ts
            for client in self._clients:
                client.outbox.update(message)

    def _check_request(self, connection: ServerConnection, request: Request) -> Response | None:
        refusal = self._allow.refusal(request.headers.get_all("Host"), request.headers.get_all("Origin"))
        if refusal is not None:
            status = HTTPStatus.MISDIRECTED_REQUEST if refusal.startswith("Host") else HTTPStatus.FORBIDDEN
            return connection.respond(status, f"{refusal}\n")
        if self._connections >= MAX_CLIENTS:
            text = f"{MAX_CLIENTS} clients are connected, which is the limit; close one and try again\n"
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, text)
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        if self._connections >= MAX_CLIENTS:  # Two hand-shakes can pass the first check at once.
            await connection.close(1013, f"more than {MAX_CLIENTS} clients")
            return
        self._connections += 1
        try:
            if await self._authenticate(connection):
                await self._serve_client(Client(connection, self._limits))
        except ConnectionClosed:
            return
        finally:
            self._connections -= 1

    async def _authenticate(self, connection: ServerConnection) -> bool:
        try:
            async with asyncio.timeout(self._limits.auth_s):
                message = await connection.recv()
        except TimeoutError:
            await connection.close(CLOSE_UNAUTHENTICATED, f"no AUTH within {self._limits.auth_s:g} s")
            return False
        if isinstance(message, bytes):
            await connection.close(1003, "binary messages are not accepted")
            return False
        match decoding.decode_message(message):
            case Auth(token=token) if token_matches(self._token, token):
                return True
            case Auth():
                result = decoding.refuse(
                    "", "AUTH", "unauthorized", "token: not the token of this run; reload the page"
                )
            case CommandResult() as refusal:
                result = refusal
            case CommandRequest(id=command_id, command=command):
                action = str(type(command).__struct_config__.tag)
                result = decoding.refuse(command_id, action, "unauthorized", "the first message must be AUTH")
        await connection.send(self._result_message(result), text=True)
        await connection.close(CLOSE_UNAUTHENTICATED, "not authenticated")
        return False

    async def _serve_client(self, client: Client) -> None:
        self._clients.add(client)
        writer = asyncio.create_task(self._write(client))
        # Without a writer the client would wait for ever.
        writer.add_done_callback(lambda _: client.connection.transport.close())
        try:
            async for message in client.connection:
                if isinstance(message, bytes):
                    await client.connection.close(1003, "binary messages are not accepted")
                    return
                self._receive(client, message)
                if client.rate.refused_in_a_row > MAX_REFUSED_IN_A_ROW:
                    await client.connection.close(1008, "too many messages")
                    return
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.wait({writer})

    async def _write(self, client: Client) -> None:
        """Send what waits; ends with the connection. A client that reads nothing for ``send_s`` is dropped."""
        try:
            while True:
                message = await client.outbox.next()
                if isinstance(message, str):
                    message = self._snapshot_message()
                async with asyncio.timeout(self._limits.send_s):
                    await client.connection.send(message, text=True)
        except TimeoutError:
            await client.connection.close(1013, "too slow: nothing was read")
        except ConnectionClosed:
            return

    def _receive(self, client: Client, text: str) -> None:
        """Answer a message: at once where it is refused, else when the application has."""
        decoded = decoding.decode_message(text)
        if not client.rate.allow(asyncio.get_running_loop().time()):
            command_id, action = _names(decoded)
            rate = f"{self._limits.per_second:g} a second"
            self._answer(client, decoding.refuse(command_id, action, "rate_limited", f"more than {rate}; try again"))
            return
        match decoded:
            case CommandResult():
                self._answer(client, decoded)
            case Auth():
                self._answer(client, decoding.refuse("", "AUTH", "already_authenticated", "AUTH was given before"))
            case CommandRequest(id=command_id):
                refusal = self._refuse_in_flight(client, decoded)
                if refusal is not None:
                    self._answer(client, refusal)
                    return
                client.in_flight.add(command_id)
                task = asyncio.create_task(self._carry_out(client, decoded))
                self._commands.add(task)
                task.add_done_callback(self._commands.discard)

    def _refuse_in_flight(self, client: Client, request: CommandRequest) -> CommandResult | None:
        _, action = _names(request)
        if request.id in client.in_flight:
            return decoding.refuse(request.id, action, "duplicate_id", f"id: {request.id!r} is still under way")
        if len(client.in_flight) >= MAX_IN_FLIGHT:
            message = f"{MAX_IN_FLIGHT} commands are under way; wait for their answers"
            return decoding.refuse(request.id, action, "busy", message)
        return None

    async def _carry_out(self, client: Client, request: CommandRequest) -> None:
        """Ask the application, answer in time. A late command is not cancelled: it may have taken effect."""
        _, action = _names(request)
        task = asyncio.ensure_future(self._ask(client, request))
        done, _ = await asyncio.wait({task}, timeout=self._limits.command_s)
        if not done:
            client.in_flight.discard(request.id)
            message = "no answer in time; it is not known whether it took effect, watch the updates"
            self._answer(client, decoding.refuse(request.id, action, "timeout", message))
            await task
            return
        bug = task.exception()
        if bug is None:
            return
        client.in_flight.discard(request.id)
        message = f"an error inside Phantom Arbiter ({type(bug).__name__}); see its log"
        self._answer(client, decoding.refuse(request.id, action, "internal_error", message))
        raise bug

    async def _ask(self, client: Client, request: CommandRequest) -> None:
        """The answer is queued in the very step in which the command ends: no update of its effect can overtake it."""
        result = await self._port.command(request)
        if request.id in client.in_flight:
            client.in_flight.discard(request.id)
            self._answer(client, result)

    def _answer(self, client: Client, result: CommandResult) -> None:
        if not client.outbox.answer(self._result_message(result)):
            # It asks and never reads. Closing needs no hand-shake with such a client.
            client.connection.transport.abort()

    def _snapshot_message(self) -> bytes:
        snapshot = self._port.snapshot()
        return encode(SnapshotFrame(self._seq, snapshot.market.clock.now_ms, snapshot))

    def _result_message(self, result: CommandResult) -> bytes:
        return encode(CommandResultFrame(self._seq, self._ts, result))


def _names(decoded: Auth | CommandRequest | CommandResult) -> tuple[str, str]:
    """The id and action of a message, empty where it had none."""
    match decoded:
        case Auth():
            return "", "AUTH"
        case CommandRequest():
            return decoded.id, str(type(decoded.command).__struct_config__.tag)
        case CommandResult():
            return decoded.id, decoded.action
