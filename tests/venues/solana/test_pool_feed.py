"""The feed: whole at first, then changes, slot by slot; what it asks for, refuses and misses."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.core.fact_checks import check_fact
from phantom_arbiter.dex.account_pools import PoolDecoder, decode
from phantom_arbiter.dex.addresses import address_bytes, base58
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick
from phantom_arbiter.venues.solana.chain_clock import CLOCK_ADDRESS
from phantom_arbiter.venues.solana.discovery import PoolListing
from phantom_arbiter.venues.solana.pool_feed import PoolFeed, Refused, SilentPool
from tests.unit.dex import test_whirlpool_accounts as whirlpool_bytes
from tests.unit.dex.account_facts import (
    MADE,
    SPAN_OF_WHIRLPOOL,
    STRANGER,
    absent,
    whirlpool,
    whirlpool_array,
)
from tests.venues.solana.rpc_bodies import at, clock

CPMM, PUMP = MADE["raydium_cpmm"], MADE["pump_swap"]
POOL, CONFIG, VAULT_0, VAULT_1 = CPMM.accounts


def listing(fact: PoolAccountsRead) -> PoolListing:
    return PoolListing(fact.pool, fact.program, fact.venue, fact.asset_0, fact.asset_1)


def feed_of(*facts: PoolAccountsRead, slot: int = 10) -> PoolFeed:
    """A feed that told these pools at ``slot``."""
    feed = PoolFeed(map(listing, facts))
    assert feed.take(at(slot, clock(slot))) == ()
    for fact in facts:
        assert feed.take(at(slot, *fact.accounts[:1])) == ()
        assert feed.take(at(slot, *fact.accounts[1:])) == ()
    told = feed.facts(slot)
    assert [one.pool for one in told] == [one.pool for one in facts]
    feed.ask()
    return feed


def changed(read: AccountRead, byte: int) -> AccountRead:
    return replace(read, data=read.data[:byte] + bytes((read.data[byte] ^ 1,)) + read.data[byte + 1 :])


def test_a_pool_is_asked_for_in_two_steps_and_told_whole():
    feed = PoolFeed([listing(CPMM)])
    assert feed.ask() == (CLOCK_ADDRESS, POOL.address)
    feed.take(at(10, clock(10, 1_700_000_000, 9), POOL))
    assert feed.ask() == (CONFIG.address, VAULT_0.address, VAULT_1.address)
    feed.take(at(10, CONFIG, VAULT_0))
    assert feed.facts(10) == []
    feed.take(at(11, VAULT_1))
    assert feed.facts() == []  # slot 11 may not be whole yet
    [fact] = feed.facts(11)
    assert fact == replace(CPMM, slot=11, unix_time_s=1_700_000_000, epoch=9)
    check_fact(fact)
    assert (feed.ask(), feed.facts(11)) == ((), [])


def test_nothing_is_told_before_the_clock():
    feed = PoolFeed([listing(CPMM)])
    feed.take(at(10, POOL))
    feed.take(at(10, *CPMM.accounts[1:]))
    assert feed.facts(10) == []
    assert feed.silent(5) == (SilentPool(CPMM.pool, None, "the chain's clock"),)
    feed.take(at(12, clock(12)))
    assert [fact.slot for fact in feed.facts(12)] == [10]


def test_the_changes_of_a_slot_are_one_fact_once_the_next_slot_begins():
    feed = feed_of(CPMM)
    feed.take(at(12, changed(VAULT_0, 64)))
    feed.take(at(12, changed(POOL, 341)))
    assert feed.facts() == []
    feed.take(at(13, changed(VAULT_1, 64)))
    [fact] = feed.facts()
    assert (fact.slot, fact.accounts) == (12, (changed(POOL, 341), changed(VAULT_0, 64)))
    [fact] = feed.facts(13)
    assert (fact.slot, fact.accounts) == (13, (changed(VAULT_1, 64),))


def test_an_account_shared_by_pools_is_told_to_each():
    other = replace(PUMP, pool=STRANGER)
    other = replace(other, accounts=(replace(PUMP.accounts[0], address=STRANGER), *PUMP.accounts[1:]))
    feed = feed_of(PUMP, other)
    feed.take(at(11, changed(PUMP.accounts[1], 56)))
    assert [(fact.pool, fact.accounts) for fact in feed.facts(11)] == [
        (pool, (changed(PUMP.accounts[1], 56),)) for pool in (PUMP.pool, STRANGER)
    ]


def test_older_slots_strangers_and_a_bad_clock_are_refused():
    feed = feed_of(CPMM)
    assert feed.take(at(9, changed(VAULT_0, 64), absent(STRANGER), replace(clock(9), data=b""))) == (
        Refused(VAULT_0.address, 9, "older than what slot 10 showed"),
        Refused(STRANGER, 9, "no listed pool needs it"),
        Refused(CLOCK_ADDRESS, 9, "older than what slot 10 showed"),
    )
    [refused] = feed.take(at(11, replace(clock(11), data=b"")))
    assert "length: got 0, expected 40 bytes" in refused.reason
    assert feed.facts(11) == []
    assert feed.slot == 10


def test_a_pool_read_anew_without_a_change_is_true_at_that_slot_too():
    feed = feed_of(CPMM)
    feed.take(at(20, *CPMM.accounts[:2]))
    assert feed.facts(20) == []  # its vaults may be others by now
    feed.take(at(21, *CPMM.accounts))
    [fact] = feed.facts(21)
    assert (fact.slot, fact.accounts) == (21, (POOL,))
    assert feed.silent(0) == ()


def test_an_account_that_comes_late_is_told_at_the_slot_that_the_pool_is_known_for():
    feed = feed_of(CPMM)
    feed.take(at(12, changed(VAULT_0, 64)))
    assert [fact.slot for fact in feed.facts(12)] == [12]
    feed.take(at(11, changed(VAULT_1, 64)))
    [fact] = feed.facts(12)
    assert (fact.slot, fact.accounts) == (12, (changed(VAULT_1, 64),))


def test_an_account_that_another_pool_has_already_is_told_when_a_pool_needs_it():
    config = replace(CONFIG, address=STRANGER)
    main = with_config(replace(POOL, address=base58(b"\x44" * 32)), config)
    other = replace(CPMM, pool=main.address, accounts=(main, config, VAULT_0, VAULT_1))
    feed = feed_of(CPMM, other)
    feed.take(at(11, with_config(POOL, config)))
    [fact] = feed.facts(11)
    assert fact.accounts == (with_config(POOL, config), config)
    assert feed.ask() == ()


def with_config(pool: AccountRead, config: AccountRead) -> AccountRead:
    return replace(pool, data=pool.data[:8] + address_bytes(config.address) + pool.data[40:])


def test_a_main_account_that_does_not_decode_is_told_and_forgiven_when_it_does():
    feed = feed_of(CPMM)
    broken = replace(POOL, data=POOL.data[:-1])
    feed.take(at(11, broken))
    assert feed.facts(11)[0].accounts == (broken,)
    feed.take(at(20, clock(20)))
    assert "length: got 636" in feed.silent(5)[0].reason
    feed.take(at(21, POOL))
    assert feed.facts(21)[0].accounts == (POOL,)
    feed.take(at(30, clock(30)))
    assert feed.silent(5) == (SilentPool(CPMM.pool, 9, ""),)


def test_silent_pools_have_an_age_and_a_reason():
    feed = feed_of(CPMM)
    feed.take(at(40, clock(40)))
    assert feed.silent(29) == (SilentPool(CPMM.pool, 30, ""),)
    assert feed.silent(30) == ()
    fresh = PoolFeed([listing(CPMM)])
    assert fresh.silent(5) == (SilentPool(CPMM.pool, None, f"1 accounts, the first of them {POOL.address}"),)
    assert fresh.accounts_of(CPMM.pool) == (POOL.address,)
    fresh.take(at(5, replace(POOL, data=b"")))
    assert "length: got 0" in fresh.silent(5)[0].reason


def test_a_lost_connection_asks_for_all_accounts_again():
    feed = feed_of(CPMM)
    feed.ask_again()
    assert feed.ask() == (CLOCK_ADDRESS, *(read.address for read in CPMM.accounts))


def whirlpool_at(tick: int) -> AccountRead:
    return replace(whirlpool().accounts[0], data=whirlpool_bytes.pool_bytes(tick=tick, price=sqrt_price_at_tick(tick)))


def test_a_price_that_leaves_its_arrays_asks_for_the_next_ones():
    feed, pool = PoolFeed([listing(whirlpool())]), whirlpool().pool
    feed.take(at(10, clock(10), whirlpool_at(5)))
    feed.take(at(10, *(known_or_absent(address) for address in feed.accounts_of(pool)[1:])))
    decoder = PoolDecoder()
    [first] = feed.facts(10)
    decoder.read(first)
    feed.ask()
    feed.take(at(11, whirlpool_at(SPAN_OF_WHIRLPOOL + 5)))
    beyond = whirlpool_array(pool, 3 * SPAN_OF_WHIRLPOOL)
    assert feed.ask() == (beyond,)
    assert 3 * SPAN_OF_WHIRLPOOL not in decoder.read(feed.facts(11)[0]).known.starts
    feed.take(at(12, absent(beyond)))
    [fact] = feed.facts(12)
    assert fact.accounts == (absent(beyond),)
    assert 3 * SPAN_OF_WHIRLPOOL in decoder.read(fact).known.starts


def known_or_absent(address: str) -> AccountRead:
    return {read.address: read for read in whirlpool().accounts}.get(address, absent(address))


def test_a_pool_that_would_need_too_many_accounts_says_so():
    feed, pool = PoolFeed([listing(whirlpool())]), whirlpool().pool
    for slot, step in enumerate(range(0, 70, 5)):
        feed.take(at(slot, whirlpool_at(step * SPAN_OF_WHIRLPOOL + 5)))
    assert len(feed.accounts_of(pool)) <= 64
    assert "needs more than 64 accounts" in feed.silent(0)[0].reason


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["pool", "vault_0", "vault_1"]), st.booleans()), max_size=20)
)
def test_whatever_comes_the_facts_add_up_to_the_newest_accounts(steps):
    """Slots rise, stand still or are skipped; accounts change or are read anew; the decoder ends where the chain is."""
    feed, decoder = PoolFeed([listing(CPMM)]), PoolDecoder()
    now = {"pool": POOL, "config": CONFIG, "vault_0": VAULT_0, "vault_1": VAULT_1}
    feed.take(at(1, clock(1), POOL))
    feed.take(at(1, *CPMM.accounts))
    slot, state = 1, None
    for count, (later, name, changes) in enumerate(steps):
        slot += later
        if changes:
            now[name] = with_number(now[name], 341 if name == "pool" else 64, count + (10 if name == "pool" else 10**6))
        assert feed.take(at(slot, now[name])) == ()
        for fact in feed.facts():
            check_fact(fact)
            state = decoder.read(fact)
    facts = feed.facts(slot)
    assert [fact.slot for fact in facts] == sorted(fact.slot for fact in facts)
    for fact in facts:
        state = decoder.read(fact)
    assert state == decode(replace(CPMM, accounts=tuple(now.values())))


def with_number(read: AccountRead, at_byte: int, number: int) -> AccountRead:
    return replace(read, data=read.data[:at_byte] + struct.pack("<Q", number) + read.data[at_byte + 8 :])
