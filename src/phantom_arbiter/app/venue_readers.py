"""The reader of a perp venue, by the venue's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx2
from msgspec.structs import replace

from phantom_arbiter.config import ConfigError
from phantom_arbiter.core.perp.profile import PROFILES
from phantom_arbiter.venues.drift.client import DriftClient
from phantom_arbiter.venues.reads import ReadPolicy

if TYPE_CHECKING:
    from phantom_arbiter.venues.hyperliquid.reader import HyperliquidReader

DEADLINE_S: Final = ReadPolicy().deadline_s


def reader_of(
    venue: str,
    base_url: str | None,
    http: httpx2.AsyncClient,
    policy: ReadPolicy | None = None,
    deadline_s: float = DEADLINE_S,
) -> DriftClient | HyperliquidReader:
    """``policy`` None: the venue's own, with this deadline.

    Raises `ConfigError` where the address is none, or Hyperliquid's SDK is not installed.
    """
    try:
        if venue == "hyperliquid":
            from phantom_arbiter.venues.hyperliquid.reader import POLICY, HyperliquidReader

            return HyperliquidReader(base_url, http, policy or replace(POLICY, deadline_s=deadline_s))
        return DriftClient(PROFILES[venue], base_url, http, policy or ReadPolicy(deadline_s=deadline_s))
    except ModuleNotFoundError as error:
        raise ConfigError(str(error)) from error
    except ValueError as error:
        raise ConfigError(f"{venue}: {error}") from error


def live_refused(venue: str) -> str:
    """Why no live order may go to a venue; empty where one may."""
    return PROFILES[venue].live_refused if venue in PROFILES else ""
