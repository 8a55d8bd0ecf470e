"""A kernel at rest: restored, it has the same hash and goes on exactly as the first one does."""

from __future__ import annotations

import msgspec
import pytest

from phantom_arbiter.app.markets import BuiltinSpec, open_market
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.session import Session, decode_state
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ENGINE_IDS, Kill, KillLevel, Mode, PauseEngine
from phantom_arbiter.core.events import LegStatus
from phantom_arbiter.core.intents import Purpose, Side
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.snapshot import KernelState, digest_items, restore, state_hash, take
from phantom_arbiter.core.units import NS_PER_MINUTE
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.sim.market.source import DEFAULT_START_NS
from tests.unit.core.house import UNIVERSE, USD, WHOLE, House, Puppet, buy, deposit, intent, perp_order, sell


def busy_house() -> House:
    """Something of everything: positions, a lot, open orders in several states, a kill level, refusals."""
    house = House()
    order = house.order(intent(deposit(1_000), perp_order(Side.SELL)))
    house.report(order, LegStatus.FILLED, 1_000 * USD, 1_000 * USD)
    house.report(order, LegStatus.FILLED, WHOLE, 150 * USD, leg=1)
    house.report(house.order(intent(buy(), position_id="p")), LegStatus.FILLED, 150 * USD, WHOLE)
    house.refusal(intent(buy(50_000)))
    house.report(house.order(intent(buy(100))), LegStatus.UNKNOWN)
    house.order(intent(sell(), purpose=Purpose.EXIT, position_id="p"))
    house.tick(60)
    house.command(PauseEngine("funding"))
    house.command(Kill(KillLevel.CANCEL))
    return house


def twin(house: House) -> House:
    """A second house brought to the state of the first by way of bytes."""
    blob = msgspec.msgpack.encode(take(house.kernel))
    other = House()
    other.puppets = {engine: Puppet(engine) for engine in ENGINE_IDS}
    other.kernel = Kernel(UNIVERSE, list(other.puppets.values()), VaultManager(), SafetyGates(), Mode.PAPER)
    restore(other.kernel, msgspec.msgpack.decode(blob, type=KernelState))
    other.vault, other.seq, other.now_ns = other.kernel.vault, house.seq, house.now_ns
    return other


def digest(house: House) -> str:
    return state_hash(digest_items(house.kernel))


def test_a_restored_kernel_has_the_same_hash_and_the_same_state() -> None:
    house = busy_house()
    other = twin(house)
    assert digest(other) == digest(house)
    assert msgspec.to_builtins(take(other.kernel)) == msgspec.to_builtins(take(house.kernel))
    assert other.kernel.kill is KillLevel.CANCEL, "the kill switch is latched across a restart"


def test_a_restored_kernel_goes_on_as_the_first_one_does() -> None:
    house = busy_house()
    pair = (house, twin(house))
    for each in pair:
        for order in list(each.kernel.orders.values()):
            leg = order.intent.legs[0]
            each.report(order, LegStatus.FILLED, order.legs[0].size_atoms, leg.expected_out_atoms)  # type: ignore[union-attr]
        each.market()
        each.tick(60)
    assert digest(pair[0]) == digest(pair[1])
    assert pair[1].kernel.orders == {}
    assert pair[1].puppet.state == house.puppet.state


def test_the_view_keeps_the_order_in_which_things_became_known() -> None:
    house = House()
    first = house.kernel.view.pools["pool"].body
    house.feed(msgspec.structs.replace(first, pool="second"))
    house.feed(first)  # known first, heard last
    assert list(twin(house).kernel.view.pools) == ["pool", "second"]


@pytest.mark.parametrize("change", ["order", "position", "ledger", "kill", "refusal"])
def test_the_hash_tells_states_apart(change: str) -> None:
    house = busy_house()
    before = digest(house)
    match change:
        case "order":
            next(iter(house.kernel.orders.values())).legs[0].status = LegStatus.ACCEPTED
        case "position":
            house.book.perps["SOL-PERP"].base_atoms += 1
        case "ledger":
            house.vault.deposit("more", "USDC", 1, ts_ns=0)
        case "kill":
            house.kernel.kill = None
        case _:
            house.kernel.records["funding"].refused["edge"] = 1
    assert digest(house) != before


@pytest.mark.parametrize("scenario", ["calm", "volatile"])
def test_a_session_snapshotted_in_the_middle_runs_on_to_the_same_hash(scenario: str) -> None:
    spec, config = BuiltinSpec(11, scenario), Config()
    middle, end = (DEFAULT_START_NS + minutes * NS_PER_MINUTE for minutes in (13, 20))
    session = Session(config, open_market(spec), MemoryJournal())
    session.fund()
    session.start_engines()
    session.run(middle)
    blob = session.snapshot()
    halfway = session.state_hash()
    session.run(end)
    state = decode_state(blob)
    again = Session(config, open_market(spec, state.market), MemoryJournal(), state)
    assert again.state_hash() == halfway
    again.run(end)
    assert again.state_hash() == session.state_hash()
    assert session.kernel.records["arb"].approved > 0
