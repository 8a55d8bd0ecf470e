"""A real HTTP server on this machine that answers as a test says, well or badly; it runs in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer. ``cut``: only so many bytes of the body are sent, then the line is closed; ``hang``: then it stays
    open and silent; ``endless``: the body never ends."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 (never changed)
    cut: int | None = None
    hang: bool = False
    endless: bool = False


def told(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON."""
    return Reply(json.dumps(value).encode(), status, {name.replace("_", "-"): text for name, text in headers.items()})


Answer = Callable[[Asked], Reply]


class VenueServer:
    """What was asked, in order, and where to ask."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.base_url = ""
        self.clients_gone = threading.Event()
        """Set when a client left an answer that had no end."""
        self._closed = False
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        """Until ``stop``; then no new client comes in, and those that are in are let out before the server closes.

        Python 3.11 forgets, open, the socket of a client that is between the two when a server closes.
        """
        listening = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        for accepting in listening.sockets:
            asyncio.get_running_loop().remove_reader(accepting.fileno())
        self._closed = True
        for writer in self._open:
            writer.transport.abort()
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left)
        listening.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.close()
            return
        self._open.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            method, path, _ = lines[0].split(" ")
            pairs = (line.partition(": ") for line in lines[1:] if line)
            headers = {name.lower(): value for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, path, headers, body))
            await self._reply(self.answer(self.asked[-1]), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.clients_gone.set()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _reply(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.hang and reply.cut is None:
            await reader.read()
            self.clients_gone.set()
            return
        framing = "transfer-encoding: chunked" if reply.endless else f"content-length: {len(reply.body)}"
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} Said\r\n{framing}\r\nconnection: close\r\n{extra}\r\n".encode())
        while reply.endless:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()
        writer.write(reply.body[: reply.cut])
        await writer.drain()
        if reply.hang:
            await reader.read()
            self.clients_gone.set()


@contextmanager
def serving(answer: Answer) -> Iterator[VenueServer]:
    """The server, on a free port, until the end of the block."""
    server = VenueServer(answer)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(ready, stop)))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def in_turn(*replies: Reply) -> Answer:
    """The replies one after the other, the last one again and again."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]
