"""What waits for one client to read it, and how fast that client may ask."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Literal

MAX_MESSAGES: Final = 512
MAX_BYTES: Final = 4 * 2**20
MAX_ANSWERS: Final = 128


class Outbox:
    """Updates and answers on their way to a client.

    Updates are bounded: when they overflow, all of them give way to one fresh snapshot. Answers are never left out;
    where too many wait, `answer` says so and the client is to be dropped.
    """

    def __init__(self) -> None:
        self._updates: deque[bytes] = deque()
        self._update_bytes = 0
        self._answers: deque[bytes] = deque()
        self._snapshot_due = True
        self._ready = asyncio.Event()
        self._ready.set()
        self.overflows = 0

    def update(self, message: bytes) -> None:
        """Queue a broadcast."""
        if self._snapshot_due:
            return  # The snapshot will be made when it is sent, and will hold this.
        self._updates.append(message)
        self._update_bytes += len(message)
        if len(self._updates) > MAX_MESSAGES or self._update_bytes > MAX_BYTES:
            self._updates.clear()
            self._update_bytes = 0
            self._snapshot_due = True
            self.overflows += 1
        self._ready.set()

    def answer(self, message: bytes) -> bool:
        """Queue the answer to a command; False where too many wait unread."""
        if len(self._answers) >= MAX_ANSWERS:
            return False
        self._answers.append(message)
        self._ready.set()
        return True

    async def next(self) -> bytes | Literal["snapshot"]:
        """Wait for the next message: an answer first, then a snapshot where one is due, then updates in order."""
        while True:
            await self._ready.wait()
            if self._answers:
                return self._answers.popleft()
            if self._snapshot_due:
                self._snapshot_due = False
                return "snapshot"
            if self._updates:
                message = self._updates.popleft()
                self._update_bytes -= len(message)
                return message
            self._ready.clear()


class RateLimit:
    """A token bucket: ``burst`` at once, ``per_second`` on average."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = float(burst)
        self._last_s: float | None = None
        self.refused_in_a_row = 0

    def allow(self, now_s: float) -> bool:
        """Whether one more may pass at ``now_s`` of a steady clock."""
        if self._last_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_second)
        self._last_s = now_s
        if self._tokens < 1:
            self.refused_in_a_row += 1
            return False
        self._tokens -= 1
        self.refused_in_a_row = 0
        return True
