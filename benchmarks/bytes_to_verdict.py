"""From changed account bytes to the best cycle through the pool and to the kernel's verdict, beside whole pools anew.

Pools of three programs move in the market of `arb_search` (10,000 pools, four base assets). Each change is one fact:
the Whirlpool's own account, both vaults of the CPMM pool, one bin array and the pair of DLMM. Timed are its way to a
state (`PoolDecoder.read`) and on through the index to the best cycle of up to three hops. The last rows are a fact
through the kernel of a running session with all engines: account bytes in, verdicts out. Facts are made before.
"""

from __future__ import annotations

import gc
import struct
from collections.abc import Callable, Sequence
from random import Random
from time import process_time_ns
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from benchmarks import Result
from benchmarks.arb_market import HUBS, NOW, Spec, specs, state
from benchmarks.kernel import warm_session
from phantom_arbiter.app.session import Session
from phantom_arbiter.core.events import AccountRead, Envelope, PoolAccountsRead
from phantom_arbiter.core.units import LAMPORTS_PER_SOL, SLOT_NS
from phantom_arbiter.dex import pools, raydium_accounts
from phantom_arbiter.dex.account_pools import PoolDecoder, decode, moment_of
from phantom_arbiter.dex.addresses import address_bytes, base58
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.dex.routes import RouteIndex
from phantom_arbiter.sim.market.account_writers import DlmmWriter, WhirlpoolWriter
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS

SEED: Final = 4
TOKENS, POOLS, HUB_POOLS = 3_000, 10_000, 60
CHANGES: Final = 2_000
KEY: Final = bytes(range(32))
MOST_LAMPORTS: Final = 200 * LAMPORTS_PER_SOL
MINTS: Final = (b"\1" * 32, b"\2" * 32)


class Moved(NamedTuple):
    """A pool of the market that moves: its first fact and one fact for each change."""

    whole: PoolAccountsRead
    changes: Sequence[PoolAccountsRead]


def run() -> list[Result]:
    """The rows of each program, then those of the kernel."""
    random = Random(SEED)
    made = specs(random, TOKENS, POOLS, HUB_POOLS, arbitraged=True)
    index = RouteIndex(tuple(HUBS))
    for row, spec in enumerate(made):
        index.add(str(row), spec.token_0, spec.token_1, state(spec, spec.noise), NOW)
    results = []
    for kind, moved_pool in (("whirlpool", whirlpool), ("constant product", constant_product), ("dlmm", dlmm)):
        row = next(at for at, spec in enumerate(made) if spec.kind == kind and at < HUB_POOLS)
        results += _rows(kind, str(row), moved_pool(random, made[row]), index)
    return results + _kernel_rows()


def _kernel_rows() -> list[Result]:
    """Two equal sessions hear the same swaps of the built-in market's pools: what changed, and all accounts anew."""
    results = []
    for program in ("whirlpool", "meteora_dlmm"):
        sessions = warm_session(), warm_session()
        changes = _swaps(sessions[0], program)
        ours, verdicts = _stepped(sessions[0], changes)
        peers, same_verdicts = _stepped(sessions[1], _told_whole(sessions[1], changes))
        results += _compared(f"{program}: bytes to verdict", ours, peers, "all told", verdicts == same_verdicts)
    return results


def _swaps(session: Session, program: str) -> list[PoolAccountsRead]:
    """Swaps of SOL/USDC up to ``MOST_LAMPORTS``, each the next one's way back, a slot apart."""
    random = Random(SEED)
    spec = next(spec for spec in EXACT_POOLS if (spec.program, spec.asset_1) == (program, "USDC"))
    fact = session.kernel.view.account_pool(spec.id)
    assert fact is not None
    state, moment, told = decode(fact), moment_of(fact), []
    amount = 0
    for number in range(CHANGES):
        sells = number % 2 == 0
        answer = pools.quote(state, random.randrange(10**6, MOST_LAMPORTS) if sells else amount, sells, moment)
        assert isinstance(answer, SwapQuote), answer
        amount, before = answer.amount_out_atoms, state
        state = pools.apply(state, answer, sells, moment)
        told.append(replace(fact, slot=fact.slot + 1 + number, accounts=spec.writer.changed(before, state)))
    return told


def _told_whole(session: Session, changes: Sequence[PoolAccountsRead]) -> list[PoolAccountsRead]:
    """The same facts with all accounts of the pool."""
    first = session.kernel.view.account_pool(changes[0].pool)
    assert first is not None
    accounts = {account.address: account for account in first.accounts}
    whole = []
    for fact in changes:
        accounts |= {account.address: account for account in fact.accounts}
        whole.append(replace(fact, accounts=tuple(accounts.values())))
    return whole


def _stepped(session: Session, facts: Sequence[PoolAccountsRead]) -> tuple[list[int], list[str]]:
    """What `Kernel.step` took for each fact, and the verdicts in words."""
    kernel, times, verdicts = session.kernel, [], []
    seq, now_ns = session.sequencer.seq, session.sequencer.now_ns
    gc.collect()
    gc.freeze()
    for number, fact in enumerate(facts, 1):
        envelope = Envelope(seq + number, now_ns + number * SLOT_NS, "bench", fact)
        begin = process_time_ns()
        outcome = kernel.step(envelope)
        times.append(process_time_ns() - begin)
        verdicts += [str(verdict) for verdict in outcome.verdicts] if outcome is not None else []
    gc.unfreeze()
    return times, verdicts


def _rows(kind: str, pool: str, moved: Moved, index: RouteIndex) -> list[Result]:
    incremental, fresh = PoolDecoder(), Anew(moved.whole)
    incremental.read(moved.whole)
    ours, peers = (_measured(pool, moved, read, index) for read in (incremental.read, fresh.read))
    same = ours.states == peers.states
    return [
        *_compared(f"{kind}: bytes to state", ours.decoded_ns, peers.decoded_ns, "all decoded", same),
        *_compared(f"{kind}: bytes to cycle", ours.found_ns, peers.found_ns, "all decoded", same),
    ]


def _compared(name: str, ours_ns: Sequence[int], peers_ns: Sequence[int], peer: str, same: bool) -> list[Result]:
    return [
        Result.compare(
            f"{name}, p{percent}",
            "µs",
            ours=_percentile(ours_ns, percent) / 1_000,
            peer=peer,
            peer_value=_percentile(peers_ns, percent) / 1_000,
            same_result=same,
        )
        for percent in (50, 99)
    ]


def _percentile(times_ns: Sequence[int], percent: int) -> int:
    return sorted(times_ns)[len(times_ns) * percent // 100]


class Anew:
    """The peer: keeps the accounts and decodes all of them each time."""

    def __init__(self, whole: PoolAccountsRead) -> None:
        self._accounts = {account.address: account for account in whole.accounts}

    def read(self, fact: PoolAccountsRead) -> PoolState:
        """The state after a fact."""
        self._accounts.update((account.address, account) for account in fact.accounts)
        return decode(replace(fact, accounts=tuple(self._accounts.values())))


class _Times(NamedTuple):
    decoded_ns: list[int]
    found_ns: list[int]
    states: list[PoolState]


def _measured(pool: str, moved: Moved, read: Callable[[PoolAccountsRead], Any], index: RouteIndex) -> _Times:
    times = _Times([], [], [])
    gc.collect()
    gc.freeze()
    for fact in moved.changes:
        begin = process_time_ns()
        now = read(fact)
        decoded = process_time_ns()
        index.update(pool, now, NOW)
        index.best_cycle(pool)
        found = process_time_ns()
        times.decoded_ns.append(decoded - begin)
        times.found_ns.append(found - begin)
        times.states.append(now)
    gc.unfreeze()
    return times


def _noises(random: Random, spec: Spec) -> list[float]:
    """Where the pool's price stands after each change, as a logarithm of the fair one."""
    return [spec.noise + random.gauss(0.0, 0.002) for _ in range(CHANGES)]


def _fact(program: str, accounts: Sequence[AccountRead]) -> PoolAccountsRead:
    return PoolAccountsRead(base58(KEY), program, "venue", "A", "B", *NOW, tuple(accounts))


def whirlpool(random: Random, spec: Spec) -> Moved:
    writer = WhirlpoolWriter(KEY, *MINTS)
    first: Any = state(spec, spec.noise)
    changes = []
    for noise in _noises(random, spec):
        pool: Any = replace(state(spec, noise), known=first.known)
        changes.append(_fact("whirlpool", writer.changed(first, pool)))
    return Moved(_fact("whirlpool", writer.accounts(first)), changes)


def dlmm(random: Random, spec: Spec) -> Moved:
    """Swaps take from the active bin and from nothing else."""
    writer = DlmmWriter(KEY)
    pool: Any = replace(state(spec, spec.noise), address=KEY)
    whole, changes = _fact("meteora_dlmm", writer.accounts(pool)), []
    home = pool.active_id // 70
    for _ in range(CHANGES):
        array = pool.arrays[home]
        bins = list(array.bins)
        place = pool.active_id - home * 70
        bins[place] = replace(bins[place], amount_x_atoms=random.randrange(10**6, 10**10))
        after = replace(pool, arrays={**pool.arrays, home: replace(array, bins=tuple(bins))})
        changes.append(_fact("meteora_dlmm", writer.changed(pool, after)))
        pool = after
    return Moved(whole, changes)


def constant_product(random: Random, spec: Spec) -> Moved:
    """The vaults change; fees owed stay at nothing."""
    keys = {name: bytes((number,)) * 32 for number, name in enumerate(("config", "vault_0", "vault_1"), 3)}
    token = address_bytes(raydium_accounts.TOKEN_PROGRAM)
    pool = bytearray(raydium_accounts.POOL_STATE.ljust(raydium_accounts.CPMM_POOL_BYTES, b"\0"))
    places = ((8, keys["config"]), (72, keys["vault_0"]), (104, keys["vault_1"]))
    for at, key in (*places, (168, MINTS[0]), (200, MINTS[1]), (232, token), (264, token)):
        pool[at : at + 32] = key
    config = bytearray(raydium_accounts.AMM_CONFIG.ljust(raydium_accounts.CPMM_CONFIG_BYTES, b"\0"))
    config[12:20] = round(spec.fee * 1e6).to_bytes(8, "little")
    owner = raydium_accounts.CPMM_PROGRAM
    fixed = (
        AccountRead(base58(KEY), owner, 1, bytes(pool)),
        AccountRead(base58(keys["config"]), owner, 1, bytes(config)),
    )

    def vaults(noise: float) -> tuple[AccountRead, ...]:
        held: Any = state(spec, noise)
        amounts = (("vault_0", MINTS[0], held.reserve_0_atoms), ("vault_1", MINTS[1], held.reserve_1_atoms))
        return tuple(
            AccountRead(base58(keys[name]), raydium_accounts.TOKEN_PROGRAM, 1, _token(mint, atoms))
            for name, mint, atoms in amounts
        )

    changes = [_fact("raydium_cpmm", vaults(noise)) for noise in _noises(random, spec)]
    return Moved(_fact("raydium_cpmm", (*fixed, *vaults(spec.noise))), changes)


def _token(mint: bytes, atoms: int) -> bytes:
    return mint + bytes(32) + struct.pack("<Q", atoms) + bytes(36) + b"\1" + bytes(56)
