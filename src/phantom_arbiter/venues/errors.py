"""How reading a venue can fail."""

from __future__ import annotations


class VenueUnavailable(RuntimeError):
    """A venue could not be read; the message says why in plain words. ``status``: the HTTP status that ended it."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
