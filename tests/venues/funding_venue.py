"""A venue that posts funding every hour, and how the tests fetch from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from phantom_arbiter.app.fetching import FetchRequest, fetch_funding
from phantom_arbiter.venues.reads import ReadPolicy
from tests.venues.bodies import DAY, hour, page
from tests.venues.venue_server import Asked, Reply, VenueServer, told

FIRST = 1_744_588_800  # 2025-04-14
CLI = "-m phantom_arbiter.cli"
FETCH = "data fetch funding --venue velocity --market SOL-PERP --from 2025-04-14 --to 2025-04-17"
QUICK = ReadPolicy(silence_s=5, deadline_s=10, rate=1_000)
NOW = datetime(2025, 4, 20, 10, 30, tzinfo=UTC)


def april(day: int) -> datetime:
    """A day of April 2025, without a zone, as the command line gives it."""
    return datetime.fromisoformat(f"2025-04-{day:02}")


def fetch(wanted: FetchRequest, now: datetime = NOW) -> None:
    assert fetch_funding(wanted, QUICK, now) == 0


def day_of(asked: Asked) -> int:
    """The UTC second at which the day begins that a path asks for."""
    year, month, day = asked.path.partition("?")[0].split("/")[-3:]
    return int(datetime(int(year), int(month), int(day), tzinfo=UTC).timestamp())


def hourly(asked: Asked) -> Reply:
    """Every hour of the day asked for that is not after `NOW`, in pages of 20."""
    begin = day_of(asked)
    rows = [hour(begin + 3_600 * each) for each in range(24) if begin + 3_600 * each <= NOW.timestamp()]
    if asked.path.endswith("?page=2"):
        return told(page(*rows[:-20]))
    return told(page(*rows[-20:], next_page=2 if len(rows) > 20 else None))


def request(base_url: str, **changes: Any) -> FetchRequest:
    given: dict[str, Any] = {
        "venue": "velocity",
        "market": "SOL-PERP",
        "first": april(14),
        "end": april(17),
        "base_url": base_url,
        "to_folder": None,
        "into": None,
        "as_json": True,
    }
    return FetchRequest(**(given | changes))


def days_asked(server: VenueServer) -> list[int]:
    """Each day asked for, from 14 April 2025 on as 0, first pages only."""
    return [(day_of(asked) - FIRST) // DAY for asked in server.asked if "?" not in asked.path]
