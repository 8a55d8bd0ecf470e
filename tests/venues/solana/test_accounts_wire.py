"""Accounts off the wire: what is read, what is refused, and damage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM
from phantom_arbiter.dex.pool_accounts import exists
from phantom_arbiter.venues.solana.accounts_wire import (
    AccountsAt,
    RpcRefused,
    Subscribed,
    accounts_request,
    parse_accounts,
    parse_message,
    subscribe_request,
)
from phantom_arbiter.venues.wire import WireError
from tests.unit.dex.account_facts import MADE, STRANGER, real_marinade
from tests.venues.drift.damage import damages, survives
from tests.venues.solana.rpc_bodies import SLOT, answer, notification

READS = MADE["spl_stake_pool"].accounts
ADDRESSES = [read.address for read in READS]
BODY = answer(READS)
SUBSCRIPTIONS = {23_784: ADDRESSES[0]}


def test_accounts_of_one_slot():
    assert parse_accounts(BODY, 1, ADDRESSES) == AccountsAt(SLOT, READS)


def test_real_accounts_come_through_whole():
    reads = real_marinade().accounts
    bodies = [read if exists(read) else None for read in reads]
    assert parse_accounts(answer(bodies), 1, [read.address for read in reads]).accounts == reads


def test_an_account_that_is_not_on_chain_is_empty():
    [first, second] = parse_accounts(answer([None, READS[1]]), 1, ADDRESSES).accounts
    assert (first.address, first.owner, first.lamports, first.data) == (ADDRESSES[0], SYSTEM_PROGRAM, 0, b"")
    assert (exists(first), exists(second)) == (False, True)


def test_a_change_of_a_subscribed_account():
    assert parse_message(notification(READS[0], 23_784, slot=5), SUBSCRIPTIONS) == AccountsAt(5, READS[:1])
    assert not exists(parse_message(notification(None, 23_784), SUBSCRIPTIONS).accounts[0])


def test_a_subscription_taken():
    assert parse_message(b'{"jsonrpc":"2.0","result":23784,"id":4}', {}) == Subscribed(4, 23_784)


def test_the_servers_own_no():
    body = b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"Too many inputs provided; max 100"},"id":1}'
    for parse in (lambda: parse_accounts(body, 1, ADDRESSES), lambda: parse_message(body, {})):
        with pytest.raises(RpcRefused, match="error: got '-32602 Too many inputs provided; max 100'") as refused:
            parse()
        assert refused.value.code == -32_602


def without(body: bytes, *path: str | int) -> bytes:
    told = json.loads(body)
    at = told
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (answer(READS, request_id=2), "id"),
        (answer(READS[:1]), "result.value"),
        (answer(READS, slot=-1), "result.context.slot"),
        (without(BODY, "result"), "result"),
        (without(BODY, "result", "context"), "result.context"),
        (answer(READS, data=["AAAA", "base64+zstd"]), "result.value[0].data[1]"),
        (answer(READS, data=["AAAA", "base58"]), "result.value[0].data[1]"),
        (answer(READS, data="AAAA"), "result.value[0].data"),
        (answer(READS, data={"parsed": {}, "program": "stake"}), "result.value[0].data"),
        (answer(READS, data=["AAA", "base64"]), "result.value[0].data[0]"),
        (answer(READS, data=["AA*A", "base64"]), "result.value[0].data[0]"),
        (answer(READS, data=["é" * 4, "base64"]), "result.value[0].data[0]"),
        (answer(READS, data=["A" * 2_800_000, "base64"]), "result.value[0].data[0]"),
        (answer(READS, space=610), "result.value[0].space"),
        (answer(READS, lamports=-1), "result.value[0].lamports"),
        (answer(READS, lamports=2**64), "result.value[0].lamports"),
        (answer(READS, lamports=1.5), "result.value[0].lamports"),
        (answer(READS, owner="me"), "result.value[0].owner"),
        (b"[]", "body"),
        (b"", "body"),
    ],
)
def test_answers_that_break_the_format_are_refused_by_field(body, field):
    with pytest.raises(WireError) as refused:
        parse_accounts(body, 1, ADDRESSES)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (notification(READS[0], 1), "params.subscription"),
        (notification(READS[0], 23_784, owner="me"), "params.result.value.owner"),
        (b'{"method":"slotNotification"}', "method"),
        (b'{"method":"accountNotification"}', "params"),
        (b'{"result":1}', "method"),
        (b'{"result":true,"id":1}', "result"),
        (b"{}", "method"),
    ],
)
def test_messages_that_break_the_format_are_refused_by_field(body, field):
    with pytest.raises(WireError) as refused:
        parse_message(body, SUBSCRIPTIONS)
    assert refused.value.field == field


def test_what_is_asked():
    assert json.loads(accounts_request(7, ADDRESSES, "processed")) == {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "getMultipleAccounts",
        "params": [ADDRESSES, {"encoding": "base64", "commitment": "processed"}],
    }
    assert json.loads(subscribe_request(8, STRANGER, "confirmed")) == {
        "jsonrpc": "2.0",
        "id": 8,
        "method": "accountSubscribe",
        "params": [STRANGER, {"encoding": "base64", "commitment": "confirmed"}],
    }


@pytest.mark.parametrize("addresses", [[], [STRANGER] * 2, [f"{number:032}" for number in range(101)]])
def test_a_request_names_up_to_a_hundred_addresses_once(addresses):
    with pytest.raises(ValueError, match="addresses: got"):
        accounts_request(1, addresses, "processed")


@given(damages)
def test_damaged_answers_are_refused_or_read(damage):
    survives(lambda body: parse_accounts(body, 1, ADDRESSES), BODY, damage)
    message = notification(READS[0], 23_784)
    survives(lambda body: parse_message(body, SUBSCRIPTIONS), message, damage)
