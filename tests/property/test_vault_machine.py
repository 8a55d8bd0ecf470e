"""The vault against a naive model, step by step, and the laws that hold for any history.

Invariants (numbers as in the ledger's specification): I1 every transaction sums to zero per asset; I2 nothing held
is negative; I3 what is held equals what came in from outside; I4 a reservation resolves once; I5 no more is spent
than was reserved; I6 replaying the log gives the same book, twice over too; I10 no engine touches another;
I13 no atom is lost or made; I14 the order of independent operations does not matter.
"""

from collections import Counter
from collections.abc import Callable
from operator import methodcaller

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.core.ledger import (
    AVAILABLE,
    DEPLOYED,
    EXTERNAL,
    FEE,
    HELD_ACCOUNTS,
    INCOME,
    MARKET,
    TREASURY,
    Account,
    ConflictingIdError,
    Duplicate,
    Ledger,
    Posting,
    Shortfall,
    Transaction,
    move,
)
from phantom_arbiter.core.reservation import Reservation, Source
from phantom_arbiter.core.vault import ForeignAccountError, VaultManager, VaultState

ASSETS = ("SOL", "USDC", "jitoSOL")
engines = st.sampled_from(ENGINE_IDS)
assets = st.sampled_from(ASSETS)
sources = st.sampled_from(Source)
amounts = st.integers(1, 1_000)
picks = st.integers(0, 1_000)
buckets = st.sampled_from(["available", "deployed"])

Key = tuple[str, str, str]


class VaultMachine(RuleBasedStateMachine):
    """`model` maps (owner, bucket, asset) to atoms; `open` maps an id to its reservation as the model sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.vault = VaultManager()
        self.model: Counter[Key] = Counter()
        self.open: dict[str, Reservation] = {}
        self.resolved: list[str] = []
        self.log: list[Transaction] = []
        self.last: Callable[[], object] | None = None
        self.now_ns = 0
        self.ids = 0

    def fresh_id(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    def shift(self, owner: str, bucket: str, asset: str, atoms: int) -> None:
        self.model[owner, bucket, asset] += atoms

    def pick(self, index: int) -> Reservation:
        return self.open[sorted(self.open)[index % len(self.open)]]

    def expect(self, call: Callable[[], object], free_atoms: int, wanted_atoms: int) -> bool:
        """Run a call that must go through exactly if enough is free; keep it for a later repeat."""
        outcome = call()
        if wanted_atoms > free_atoms:
            assert isinstance(outcome, Shortfall)
            assert (outcome.wanted_atoms, outcome.free_atoms) == (wanted_atoms, free_atoms)
            return False
        assert isinstance(outcome, Transaction | Reservation)
        self.log.append(outcome.opening if isinstance(outcome, Reservation) else outcome)
        self.last = call
        return True

    @initialize(each_atoms=st.lists(st.integers(1, 5_000), min_size=4, max_size=4))
    def start_with_something_everywhere(self, each_atoms: list[int]) -> None:
        for asset in ASSETS:
            self.deposit(asset, sum(each_atoms) + 1_000)
            for engine, atoms in zip(ENGINE_IDS, each_atoms, strict=True):
                self.fund(engine, asset, atoms)
                self.funding_payment(engine, asset, atoms, received=True)

    @rule(kind=st.sampled_from(["deposit", "withdraw", "fund", "release"]), engine=engines, asset=assets, atoms=amounts)
    def move_capital(self, kind: str, engine: str, asset: str, atoms: int) -> None:
        if kind in ("fund", "release"):
            methodcaller(kind, engine, asset, atoms)(self)
        else:
            methodcaller(kind, asset, atoms)(self)

    def deposit(self, asset: str, atoms: int) -> None:
        name, ts_ns = self.fresh_id(), self.now_ns
        assert self.expect(lambda: self.vault.deposit(name, asset, atoms, ts_ns=ts_ns), atoms, atoms)
        self.shift("treasury", "cash", asset, atoms)
        self.shift("external", "flows", asset, -atoms)

    def withdraw(self, asset: str, atoms: int) -> None:
        name, ts_ns = self.fresh_id(), self.now_ns
        free_atoms = self.model["treasury", "cash", asset]
        if self.expect(lambda: self.vault.withdraw(name, asset, atoms, ts_ns=ts_ns), free_atoms, atoms):
            self.shift("treasury", "cash", asset, -atoms)
            self.shift("external", "flows", asset, atoms)

    def fund(self, engine: str, asset: str, atoms: int) -> None:
        name, ts_ns = self.fresh_id(), self.now_ns
        free_atoms = self.model["treasury", "cash", asset]
        if self.expect(lambda: self.vault.fund(name, engine, asset, atoms, ts_ns=ts_ns), free_atoms, atoms):
            self.shift("treasury", "cash", asset, -atoms)
            self.shift(engine, "available", asset, atoms)

    def release(self, engine: str, asset: str, atoms: int) -> None:
        name, ts_ns = self.fresh_id(), self.now_ns
        free_atoms = self.model[engine, "available", asset]
        if self.expect(lambda: self.vault.release(name, engine, asset, atoms, ts_ns=ts_ns), free_atoms, atoms):
            self.shift(engine, "available", asset, -atoms)
            self.shift("treasury", "cash", asset, atoms)

    @rule(engine=engines, asset=assets, atoms=amounts, received=st.booleans())
    def funding_payment(self, engine: str, asset: str, atoms: int, received: bool) -> None:
        name, ts_ns = self.fresh_id(), self.now_ns
        accounts = (INCOME["funding"], DEPLOYED[engine])
        postings = move(*(accounts if received else accounts[::-1]), asset, atoms)
        free_atoms = atoms if received else self.model[engine, "deployed", asset]

        def call() -> object:
            return self.vault.record(name, "funding", engine, postings, ts_ns=ts_ns)

        if self.expect(call, free_atoms, atoms):
            for posting in postings:
                self.shift(*posting.account, asset, posting.atoms)

    @rule(engine=engines, asset=assets, atoms=amounts, source=sources, ttl_ns=st.integers(0, 50))
    def reserve(self, engine: str, asset: str, atoms: int, source: Source, ttl_ns: int) -> None:
        wanted = Reservation(self.fresh_id(), engine, asset, atoms, source, self.now_ns, self.now_ns + ttl_ns)
        free_atoms = self.model[engine, source.value, asset]

        def call() -> object:
            return self.vault.reserve(
                wanted.id, engine, asset, atoms, source, wanted.expires_ns, ts_ns=wanted.reserved_ns
            )

        if self.expect(call, free_atoms, atoms):
            self.shift(engine, source.value, asset, -atoms)
            self.shift(engine, "reserved", asset, atoms)
            self.open[wanted.id] = wanted

    @precondition(lambda self: self.open)
    @rule(
        index=picks,
        spent_percent=st.integers(0, 110),
        proceeds=st.tuples(assets, amounts, buckets),
        fee_atoms=st.integers(0, 5),
    )
    def post(self, index: int, spent_percent: int, proceeds: tuple[str, int, str], fee_atoms: int) -> None:
        r = self.pick(index)
        spent_atoms = r.atoms * spent_percent // 100
        fee_atoms = min(fee_atoms, spent_atoms)
        asset, atoms, bucket = proceeds
        postings = (
            Posting(MARKET, r.asset, spent_atoms - fee_atoms),
            Posting(FEE["swap"], r.asset, fee_atoms),
            *move(MARKET, Account(r.engine, bucket), asset, atoms),
        )
        ts_ns = self.now_ns
        if self.expect(lambda: self.vault.post(r.id, spent_atoms, postings, ts_ns=ts_ns), r.atoms, spent_atoms):
            self.give_back(r, r.atoms - spent_atoms)
            self.shift("market", "conversion", r.asset, spent_atoms - fee_atoms)
            self.shift("fees", "swap", r.asset, fee_atoms)
            self.shift("market", "conversion", asset, -atoms)
            self.shift(r.engine, bucket, asset, atoms)

    def give_back(self, r: Reservation, rest_atoms: int) -> None:
        self.shift(r.engine, "reserved", r.asset, -r.atoms)
        self.shift(r.engine, r.source.value, r.asset, rest_atoms)
        del self.open[r.id]
        self.resolved.append(r.id)

    @precondition(lambda self: self.open)
    @rule(index=picks)
    def void(self, index: int) -> None:
        r, ts_ns = self.pick(index), self.now_ns
        self.expect(lambda: self.vault.void(r.id, ts_ns=ts_ns), 0, 0)
        self.give_back(r, r.atoms)

    @precondition(lambda self: self.open)
    @rule(index=picks)
    def hold(self, index: int) -> None:
        r = self.pick(index)
        self.open[r.id] = self.vault.hold(r.id)
        assert self.open[r.id] == msgspec.structs.replace(r, held=True)

    @rule(step_ns=st.integers(0, 60))
    def expire(self, step_ns: int) -> None:
        self.now_ns += step_ns
        due = [r for r in self.open.values() if not r.held and r.expires_ns <= self.now_ns]
        expired = self.vault.expire(self.now_ns)
        assert list(expired) == [r.id for r in sorted(due, key=lambda r: (r.expires_ns, r.id))]
        self.log.extend(expired.values())
        for r in due:
            self.give_back(r, r.atoms)

    @precondition(lambda self: self.last)
    @rule()
    def say_it_again(self) -> None:
        before = self.vault.state()
        assert self.last is not None
        assert isinstance(self.last(), Duplicate)
        assert self.vault.state() == before

    @precondition(lambda self: self.resolved)
    @rule(index=picks)
    def resolve_otherwise(self, index: int) -> None:
        before = self.vault.state()
        name = self.resolved[index % len(self.resolved)]
        with pytest.raises(ConflictingIdError):
            self.vault.post(name, 12_345, (Posting(MARKET, "SOL", 12_345),), ts_ns=self.now_ns)
        assert self.vault.state() == before

    @precondition(lambda self: self.open)
    @rule(index=picks, other=engines, atoms=amounts)
    def trespass(self, index: int, other: str, atoms: int) -> None:
        r = self.pick(index)
        if other == r.engine:
            return
        before = self.vault.state()
        theft = move(AVAILABLE[other], AVAILABLE[r.engine], r.asset, atoms)
        with pytest.raises(ForeignAccountError):
            self.vault.post(r.id, 0, theft, ts_ns=self.now_ns)
        with pytest.raises(ForeignAccountError):
            self.vault.record(self.fresh_id(), "theft", r.engine, theft, ts_ns=self.now_ns)
        assert self.vault.state() == before

    @rule()
    def restart(self) -> None:
        encoded = msgspec.msgpack.encode(self.vault.state())
        self.vault = VaultManager.from_state(msgspec.msgpack.decode(encoded, type=VaultState))

    @invariant()
    def balances_are_the_models(self) -> None:
        booked = {(row.owner, row.bucket, row.asset): row.atoms for row in self.vault.balances()}
        assert booked == {key: atoms for key, atoms in self.model.items() if atoms}

    @invariant()
    def nothing_held_is_negative_and_all_of_it_came_from_outside(self) -> None:
        held: Counter[str] = Counter()
        outside: Counter[str] = Counter()
        for row in self.vault.balances():
            if Account(row.owner, row.bucket) in HELD_ACCOUNTS:
                assert row.atoms >= 0
                held[row.asset] += row.atoms
            else:
                outside[row.asset] -= row.atoms
        for asset in ASSETS:
            assert held[asset] == outside[asset] == self.vault.totals(asset).held_atoms

    @invariant()
    def reserved_is_the_sum_of_open_reservations(self) -> None:
        assert self.vault.reservations() == tuple(self.open[name] for name in sorted(self.open))
        wanted: Counter[tuple[str, str]] = Counter()
        for r in self.open.values():
            wanted[r.engine, r.asset] += r.atoms
        for engine in ENGINE_IDS:
            for asset in ASSETS:
                assert self.vault.reserved(engine, asset) == wanted[engine, asset]

    def teardown(self) -> None:
        """The log alone rebuilds the book, and a second replay of it changes nothing."""
        ledger = Ledger()
        for transaction in self.log:
            assert ledger.apply(transaction) == transaction
        assert ledger.balances() == self.vault.balances()
        for transaction in self.log:
            assert ledger.apply(transaction) == Duplicate(transaction.id)
        assert ledger.balances() == self.vault.balances()


TestVaultMachine = VaultMachine.TestCase
TestVaultMachine.settings = settings(max_examples=120, stateful_step_count=100, deadline=None)


Operation = Callable[[VaultManager], object]
steps = st.lists(st.tuples(st.sampled_from(["reserve", "post", "void", "hold", "release", "earn"]), assets, amounts))


def operations_of(engine: str, plan: list[tuple[str, str, int]]) -> list[Operation]:
    """What one engine does, in its order, each with an id of its own; a step that finds no reservation is left out."""
    operations: list[Operation] = []
    open_ids: list[tuple[str, str]] = []
    for number, (kind, asset, atoms) in enumerate(plan):
        name = f"{engine}-{number}"
        if kind == "reserve":
            open_ids.append((name, asset))
            operations.append(methodcaller("reserve", name, engine, asset, atoms, Source.AVAILABLE, 9, ts_ns=1))
        elif kind == "release":
            operations.append(methodcaller("release", name, engine, asset, atoms, ts_ns=1))
        elif kind == "earn":
            income = move(INCOME["staking"], AVAILABLE[engine], asset, atoms)
            operations.append(methodcaller("record", name, "staking", engine, income, ts_ns=1))
        elif open_ids and kind == "hold":
            operations.append(methodcaller("hold", open_ids[0][0]))
        elif open_ids and kind == "void":
            operations.append(methodcaller("void", open_ids.pop(0)[0], ts_ns=1))
        elif open_ids and kind == "post":
            spent_id, spent_asset = open_ids.pop(0)
            postings = (Posting(MARKET, spent_asset, 1), *move(MARKET, DEPLOYED[engine], asset, atoms))
            operations.append(methodcaller("post", spent_id, 1, postings, ts_ns=1))
    return operations


@settings(max_examples=60, deadline=None)
@given(plans=st.tuples(*[steps] * len(ENGINE_IDS)), data=st.data())
def test_the_order_of_independent_operations_does_not_matter(
    plans: tuple[list[tuple[str, str, int]], ...], data: st.DataObject
) -> None:
    """I14: engines that share no account may act in any order among themselves."""
    queues = {engine: operations_of(engine, plan) for engine, plan in zip(ENGINE_IDS, plans, strict=True)}
    turns = [engine for engine, queue in queues.items() for _ in queue]
    digests = []
    for order in (turns, data.draw(st.permutations(turns))):
        vault = VaultManager()
        for asset in ASSETS:
            vault.deposit(f"d-{asset}", asset, 10**6, ts_ns=0)
            for engine in ENGINE_IDS:
                vault.fund(f"f-{engine}-{asset}", engine, asset, 10**5, ts_ns=0)
        upcoming = {engine: iter(queue) for engine, queue in queues.items()}
        for engine in order:
            next(upcoming[engine])(vault)
        digests.append(list(vault.digest_items()))
    assert digests[0] == digests[1]


@given(amount=amounts, parts=st.lists(st.integers(0, 1_000), max_size=20))
def test_no_atom_is_lost_or_made_by_splitting(amount: int, parts: list[int]) -> None:
    """I13: what is taken out in parts and put back in parts is the same amount."""
    vault = VaultManager()
    vault.deposit("d", "SOL", amount, ts_ns=0)
    moved_atoms = 0
    for number, part in enumerate(part for part in parts if part):
        if isinstance(vault.fund(f"f{number}", "arb", "SOL", part, ts_ns=0), Transaction):
            moved_atoms += part
    assert vault.available("arb", "SOL") == moved_atoms
    assert vault.balance(TREASURY, "SOL") == amount - moved_atoms
    assert vault.balance(EXTERNAL, "SOL") == -amount
