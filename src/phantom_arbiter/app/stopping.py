"""SIGINT and SIGTERM: ours from the first moment, also where the parent had them ignored (a background job)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """A signal came; ``what_now`` tells how to go on."""

    def __init__(self, signal_number: int, what_now: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}; {what_now}")
        self.signal_number = signal_number


class Stop:
    """Whether a signal asked to stop: its number, or 0."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __call__(self, signal_number: int, frame: FrameType | None) -> None:
        del frame
        self.signal_number = signal_number


def stop_at_once() -> None:
    """A signal raises `Interrupted` wherever the program is: for the time in which nothing could be lost."""
    for number in SIGNALS:
        signal.signal(number, _raise)


@contextmanager
def stop_when_asked() -> Iterator[Stop]:
    """A signal is noted in the `Stop`, which whoever works looks at."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(signal_number: int, frame: FrameType | None) -> None:
    del frame
    raise Interrupted(signal_number, "it had not begun, nothing is lost")
