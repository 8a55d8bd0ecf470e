"""Why a run of the arb engine came to what it did, in sentences that its own numbers support."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from phantom_arbiter.core.events import FeeKind
from phantom_arbiter.core.units import MICROS_PER_USD
from phantom_arbiter.research.arb_episodes import EpisodeSummary
from phantom_arbiter.research.arb_orders import ArbOrder


class Told(NamedTuple):
    """What the sentences speak of. ``again``: orders that reverted at a pool already traded with since its row."""

    episodes: EpisodeSummary
    landed: Sequence[ArbOrder]
    ended: Sequence[ArbOrder]
    again: int
    not_taken: dict[str, int]
    delay_slots: float | None


def why(told: Told) -> tuple[str, ...]:
    """The sentences, each only where there is something behind it."""
    return (*_data(told), *_time(told), *_reverts(told), *_costs(told), *_size(told), *_auction(told), *_hopes(told))


def _data(told: Told) -> Iterator[str]:
    episodes = told.episodes
    if not episodes.count:
        yield "The data hold no episode of two pools with the same base token."
        return
    if episodes.least_margin_usd is not None:
        yield (
            "The source wrote down only slots in which it reckoned to keep "
            f"{episodes.least_margin_usd:.2f} USD or more: the rows say nothing of the time between, and a pool's last "
            "row may be long out of date when another speaks."
        )
    if episodes.median_gain_usd is not None and episodes.median_margin_usd is not None:
        yield (
            "The source reckons with prices that do not move: its median row keeps "
            f"{episodes.median_margin_usd:.2f} USD by its own count, and {episodes.median_gain_usd:.4f} at the best "
            "size between the pools as they were. All episodes between pools of one pair come to "
            f"{episodes.closed_gain_usd:,.2f} USD before the chain's costs, each taken at its best, at once, and "
            "against nobody."
        )
    if episodes.crossing and not episodes.stable_pools:
        yield (
            f"{episodes.crossing:,} of {episodes.count:,} episodes lie between a USDC and a USDT pool, and no pool of "
            "the data swaps USDC for USDT: a cycle through them has to return through another token's pools."
        )


def _time(told: Told) -> Iterator[str]:
    episodes = told.episodes
    if told.delay_slots is None or not episodes.count:
        return
    slots = max(1, round(told.delay_slots))
    yield (
        f"An order met the market {told.delay_slots:.1f} slots after the decision (median), which itself waits a slot "
        f"for the gap to persist; {episodes.over_within(slots + 1):.0%} of the episodes were over within "
        f"{slots + 1} slots."
    )


def _reverts(told: Told) -> Iterator[str]:
    reverted = sum(order.outcome == "reverted" for order in told.ended)
    if reverted:
        yield (
            f"{reverted} of {len(told.ended)} orders found less than their guard asks and reverted, at no cost; "
            f"{told.again} of them because the gap had been taken since the pool's last row, by us or by a rival who "
            "beat us: the rows do not show it, so the engine tries again."
        )


def _costs(told: Told) -> Iterator[str]:
    for reason, text in (
        ("dust", "Sightings of a gain too small to pay a transaction: {count:,}."),
        ("costs", "{count:,} opportunities gained less than base fee, priority fee, the least tip and any rent."),
        (
            "gate: edge",
            "{count:,} were refused by the edge gate: what is left, times the chance to land, is too little.",
        ),
        ("stale", "{count:,} rested on a pool that had been silent for too long to be believed."),
        ("vanished", "{count:,} were gone a slot after they were first seen."),
    ):
        if told.not_taken.get(reason):
            yield text.format(count=told.not_taken[reason])


def _size(told: Told) -> Iterator[str]:
    if told.landed:
        sizes = sorted(order.size_micros for order in told.landed)
        gains = sorted(order.gain_micros for order in told.landed)
        middle = len(sizes) // 2
        yield (
            f"The landed trades are small: {sizes[middle] / MICROS_PER_USD:,.2f} USD at the median, that gained "
            f"{gains[middle] / MICROS_PER_USD:,.4f} USD before the tip. The gaps are in pools with little in them, and "
            "an Orca row vouches for no more than what is for sale up to the next tick."
        )


def _auction(told: Told) -> Iterator[str]:
    gained = sum(order.gain_micros for order in told.landed)
    if gained > 0:
        tips = sum(order.chain_micros.get(FeeKind.TIP, 0) for order in told.landed)
        yield f"The tip auction took {tips / gained:.0%} of what the landed orders gained before it."
    beaten = sum(order.outcome == "beaten" for order in told.ended)
    if beaten:
        met = sum(order.outcome in ("beaten", "landed") for order in told.ended)
        yield f"Of {met} orders that found their gap still there, {beaten} lost it to a rival who bid more."


def _hopes(told: Told) -> Iterator[str]:
    missed = [order for order in told.ended if order.outcome in ("beaten", "reverted", "dropped", "expired", "failed")]
    if missed:
        hoped = sum(order.hoped_micros for order in missed) / MICROS_PER_USD
        yield f"The {len(missed)} orders that did not land had been quoted {hoped:,.2f} USD net in all."
