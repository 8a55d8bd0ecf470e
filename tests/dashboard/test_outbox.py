"""What waits for a client, and how fast it may ask."""

from __future__ import annotations

import pytest

from phantom_arbiter.dashboard.outbox import MAX_ANSWERS, MAX_BYTES, MAX_MESSAGES, Outbox, RateLimit

pytestmark = pytest.mark.anyio


async def fresh() -> Outbox:
    outbox = Outbox()
    assert await outbox.next() == "snapshot"
    return outbox


async def test_updates_come_in_order_and_answers_before_them():
    outbox = await fresh()
    outbox.update(b"1")
    outbox.update(b"2")
    assert outbox.answer(b"a")
    assert [await outbox.next() for _ in range(3)] == [b"a", b"1", b"2"]


async def test_updates_before_the_snapshot_are_in_it():
    outbox = Outbox()
    outbox.update(b"1")
    assert await outbox.next() == "snapshot"
    outbox.update(b"2")
    assert await outbox.next() == b"2"


@pytest.mark.parametrize(("count", "size"), [(MAX_MESSAGES + 1, 1), (5, MAX_BYTES // 4)])
async def test_overflow_becomes_one_snapshot_and_keeps_answers(count, size):
    outbox = await fresh()
    outbox.answer(b"a")
    for _ in range(count):
        outbox.update(b"x" * size)
    assert [await outbox.next(), await outbox.next()] == [b"a", "snapshot"]
    outbox.update(b"new")
    assert await outbox.next() == b"new"


async def test_bytes_are_given_back_when_read():
    outbox = await fresh()
    for _ in range(20):
        outbox.update(b"x" * (MAX_BYTES // 2))
        assert await outbox.next() != "snapshot"


async def test_answers_are_bounded():
    outbox = await fresh()
    assert all(outbox.answer(b"a") for _ in range(MAX_ANSWERS))
    assert not outbox.answer(b"a")


def test_rate_is_a_burst_then_an_average():
    rate = RateLimit(burst=2, per_second=10.0)
    assert [rate.allow(0.0), rate.allow(0.0), rate.allow(0.0)] == [True, True, False]
    assert rate.refused_in_a_row == 1
    assert rate.allow(0.11)
    assert rate.refused_in_a_row == 0
    assert not rate.allow(0.12)
    assert [rate.allow(100.0), rate.allow(100.0), rate.allow(100.0)] == [True, True, False]
