"""Where each venue's public services answer, as data.

Drift's Data API has been frozen since 2026-04-01 and wants a browser's Referer and Origin; Velocity's serves the same
schema live.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Endpoints(Struct, frozen=True):
    """A venue's base URLs, without a slash at the end, and the one path that differs between venues.

    ``contracts_path`` belongs to ``data_url``: who reads the list of contracts asks there for what `parse_contracts`
    reads, and that names it where it refuses. `DriftClient` reads ``/stats/markets`` instead.
    """

    data_url: str
    dlob_url: str
    contracts_path: str = "/contracts"


ENDPOINTS: Final[Mapping[str, Endpoints]] = {
    "drift-v2": Endpoints("https://data.api.drift.trade", "https://dlob.drift.trade"),
    "velocity": Endpoints(
        "https://data.velocity.exchange", "https://dlob.velocity.exchange", "/external/coingecko/contracts"
    ),
}
"""By `VenueProfile.name`."""
