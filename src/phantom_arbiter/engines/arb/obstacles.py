"""What stands against an opportunity that the numbers do not show: a paused venue, a token that cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from phantom_arbiter.core.events import TokenAudited, VenueStatus
from phantom_arbiter.core.instruments import STABLE_ASSETS
from phantom_arbiter.core.view import MarketView

TRUSTED: Final = STABLE_ASSETS | {"SOL"}


class Obstacle(NamedTuple):
    """Why not: one word to count by, and the details."""

    reason: str
    detail: str


def obstacle_of(view: MarketView, venues: Iterable[str], assets: Iterable[str]) -> Obstacle | None:
    """The first thing that forbids a cycle through these venues and assets, or None.

    Nothing of a token is kept beyond the transaction, so who may mint it or how many hold it does not matter; a fee on
    transfers makes every quote wrong, and a token whose sale fails in simulation is frozen or worse.
    """
    for venue in venues:
        status = view.venue_status(venue)
        if status is not VenueStatus.LIVE:
            return Obstacle("paused", f"{venue} is {status}")
    for asset in assets:
        audit = view.audits.get(asset)
        if asset in TRUSTED or audit is None:
            continue
        found = audit.body
        assert isinstance(found, TokenAudited)
        if found.transfer_fee_bps:
            return Obstacle("taxed", f"{asset} takes {found.transfer_fee_bps} bps of every transfer")
        if found.sell_simulated is False:
            return Obstacle("frozen", f"a simulated sale of {asset} failed")
    return None
