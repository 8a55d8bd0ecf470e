"""Orders by hand on a real kernel: a preview changes nothing, an act passes the gates or says which one refused."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from phantom_arbiter.core.commands import DriftDeposit, Preview, StartEngine, StopEngine, TakePosition
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.preview import AccountFigures, Draft, HandCommand, Rejection
from phantom_arbiter.core.snapshot import take
from tests.unit.core.house import WHOLE, House, Puppet, buy, intent

FLAT = AccountFigures(0, 0, 0, 0, None, None, None, None)
PREVIEW = Preview("TAKE_POSITION", "SOL-PERP", 2.0)
TAKE = TakePosition("SOL-PERP", 2.0, "h1")


class HandPuppet(Puppet):
    """Drafts the intent that a test gave it, and does it when asked."""

    intent: Intent | None = None
    begun: Sequence[Intent] = ()

    def draft(self, request: Preview) -> Draft | Rejection:
        if self.intent is None:
            return Rejection("unknown_market", f"market: got {request.market!r}, expected one of SOL-PERP")
        size = 2 * WHOLE
        return Draft(request.of, request.market, size, 1, size, 1, self.intent, FLAT, FLAT, "words", "h1", 10)

    def act(self, request: HandCommand) -> Sequence[Intent] | Rejection:
        if self.intent is None:
            return Rejection("stale_preview", "preview_hash: got 'h1', which is not known")
        return [self.intent]

    def acted(self, request: HandCommand, intents: Sequence[Intent]) -> None:
        self.begun = intents


def money_and_gates(house: House) -> bytes:
    state = take(house.kernel)
    return msgspec.msgpack.encode((state.vault, state.books, house.kernel.gates.state()))


def hand_house() -> tuple[House, HandPuppet]:
    house = House()
    puppet = HandPuppet("funding")
    puppet.bind(house.kernel.desks["funding"])
    house.kernel.engines["funding"] = puppet
    house.kernel.refresh_routes()
    return house, puppet


def test_a_preview_measures_every_gate_and_changes_nothing():
    house, puppet = hand_house()
    puppet.intent = intent(buy())
    before = money_and_gates(house)
    answer = house.command(PREVIEW)
    assert (answer.code, answer.message) == ("ok", "words")
    assert answer.previewed is not None
    assert answer.previewed.refused is None
    assert len({gate.gate for gate in answer.previewed.gates}) > 15
    assert house.kernel.orders == {}
    assert house.kernel.records["funding"].intents == 0
    assert money_and_gates(house) == before


def test_a_preview_tells_the_gate_that_would_refuse_and_goes_on_measuring():
    house, puppet = hand_house()
    puppet.intent = replace(intent(buy()), edge_bps=-5.0)
    previewed = house.command(PREVIEW).previewed
    assert previewed is not None
    assert previewed.refused is not None
    assert previewed.refused.gate == "edge"
    assert previewed.refused.margin < 0
    assert previewed.gates[-1].gate != "edge"


def test_what_cannot_be_drafted_says_why():
    house, _ = hand_house()
    answer = house.command(PREVIEW)
    assert (answer.success, answer.code) == (False, "unknown_market")
    assert "SOL-PERP" in answer.message


def test_an_act_passes_the_gates_and_carries_the_commands_id():
    house, puppet = hand_house()
    puppet.intent = intent(buy())
    answer = house.command(TAKE)
    assert answer.success, answer.message
    (order,) = house.kernel.orders.values()
    assert order.intent.command_id == answer.command_id
    assert list(puppet.begun) == [order.intent]


def test_a_gate_refuses_an_act_by_its_name():
    house, puppet = hand_house()
    puppet.intent = replace(intent(buy()), edge_bps=-5.0)
    answer = house.command(TAKE)
    assert (answer.success, answer.code) == (False, "edge")
    assert house.kernel.orders == {}
    assert puppet.begun == (), "the engine begins with an act only once it was approved"


def test_a_stale_preview_and_a_stopped_engine_refuse():
    house, puppet = hand_house()
    assert house.command(TAKE).code == "stale_preview"
    house.command(StopEngine("funding"))
    puppet.intent = intent(buy())
    assert house.command(TAKE).code == "not_running"
    house.command(StartEngine("funding"))
    assert house.command(TAKE).code == "ok"


def test_an_engine_that_acts_by_itself_takes_no_orders_by_hand():
    house = House()
    assert house.command(PREVIEW).code == "not_available"
    assert house.command(DriftDeposit(5.0)).code == "not_available"
