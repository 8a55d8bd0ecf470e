"""The exact pools at work: swaps, noise, and the arbitrageurs who close their gaps, all by the programs' own quotes.

As with the constant-product pools (`sim.market.pools`), gaps that prices and ordinary trades open are closed within the
slot, those of whales stay for their time. How much closes a gap is read off a pool's segments: what goes in until the
marginal rate, fee included, is the fair one. A stake pool's reserve is such a gap: whenever its token trades below the
rate by more than the fee, whatever can be withdrawn is. Nobody deposits for a gain: the market never pays more than the
rate (`sim.market.stake_pools`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.dex import account_pools, pools
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.pump_swap import PumpSwapPool
from phantom_arbiter.dex.stake_pool import StakePool
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, moment_at
from phantom_arbiter.sim.market.exact_rates import closing_atoms, marginal_rates
from phantom_arbiter.sim.market.pools import ARBITRAGE_COST_USD, DECIMALS, Flow, Trade
from phantom_arbiter.sim.market.universe import STAKE_POOLS, TOKENS

FLOW: Final = Flow.of([(spec.trades_per_minute, spec.fee_e6) for spec in EXACT_POOLS])
SPARE_ATOMS: Final = 1_000
"""What arbitrageurs add for what the programs round up: no bin is left with atoms that pay for nothing."""
_USD: Final = {
    **{token.asset.symbol: token.usd for token in TOKENS},
    **{pool.asset.symbol: TOKENS[0].usd * pool.rate_e9 / 1e9 for pool in STAKE_POOLS},
    "USDC": 1.0,
}
_MARGINS: Final = [
    2.0 * math.sqrt(ARBITRAGE_COST_USD / (spec.side_1_atoms / 10.0 ** DECIMALS[spec.asset_1] * _USD[spec.asset_1]))
    for spec in EXACT_POOLS
]
"""As `sim.market.pools` has it: the gap that earns the cost of closing it."""


class ExactPoolState(Struct):
    """A pool's accounts: all of them as the last fact has them, and those that changed since."""

    told: tuple[AccountRead, ...]
    changed: tuple[AccountRead, ...]


class ExactBookState(Struct):
    """Every pool, and the slot until which a whale's gap is left open."""

    pools: list[ExactPoolState]
    due_slots: dict[int, int]


class ExactBook:
    """All exact pools, by index into ``EXACT_POOLS``. ``changed`` collects whose state a fact has yet to show.

    Without ``gaps`` arbitrageurs close everything at once, for nothing.
    """

    def __init__(self, states: Sequence[PoolState], gaps: bool) -> None:
        self.pools = list(states)
        self.changed: dict[int, None] = {}
        self._told = list(states)
        self._due: dict[int, int] = {}
        self._gaps = gaps
        self._margins = _MARGINS if gaps else [0.0] * len(EXACT_POOLS)
        self._rates = [marginal_rates(state) for state in states]

    @classmethod
    def opening(cls, fair: Sequence[float], slot: int, gaps: bool) -> ExactBook:
        """Every pool at its fair price."""
        moment = moment_at(slot)
        return cls([spec.open(price, moment) for spec, price in zip(EXACT_POOLS, fair, strict=True)], gaps)

    def quote(self, index: int, zero_for_one: bool, in_atoms: int, moment: Moment) -> SwapQuote | SwapRefusal:
        """What a swap would pay now."""
        return pools.quote(self.pools[index], in_atoms, zero_for_one, moment)

    def swap(self, index: int, zero_for_one: bool, in_atoms: int, moment: Moment) -> SwapQuote | SwapRefusal:
        """Swap, and move the pool."""
        answer = pools.quote(self.pools[index], in_atoms, zero_for_one, moment)
        if isinstance(answer, SwapQuote):
            self._put(index, pools.apply(self.pools[index], answer, zero_for_one, moment))
        return answer

    def trade(self, trade: Trade, slot: int, fair: Sequence[float]) -> None:
        """A noise trade; one that the pool refuses does not happen."""
        index, zero_for_one, share, life_slots = trade
        atoms = int(_side_atoms(index, zero_for_one, fair[index]) * share) + 1
        answer = self.swap(index, zero_for_one, atoms, moment_at(slot))
        if life_slots and self._gaps and isinstance(answer, SwapQuote):
            self._due.setdefault(index, slot + life_slots)

    def pull(self, index: int) -> None:
        """Take all liquidity out of a launch's pool: a rug."""
        state = self.pools[index]
        assert isinstance(state, PumpSwapPool)
        self._put(index, replace(state, base_reserve_atoms=0, quote_reserve_atoms=0))
        self._due.pop(index, None)

    def crank(self, rates_e9: dict[str, int], epoch: int) -> None:
        """Bring every stake pool to its rate of a new epoch, lamports rounded down."""
        for index, state in enumerate(self.pools):
            if isinstance(state, StakePool) and state.account.last_update_epoch < epoch:
                supply, rate_e9 = state.account.pool_token_supply_atoms, rates_e9[EXACT_POOLS[index].asset_1]
                account = replace(
                    state.account,
                    total_lamports=supply * rate_e9 // 1_000_000_000,
                    last_update_epoch=epoch,
                    last_epoch_pool_token_supply_atoms=supply,
                    last_epoch_total_lamports=state.account.total_lamports,
                )
                self._put(index, replace(state, account=account))

    def arbitrage(self, slot: int, fair: Sequence[float]) -> None:
        """Let arbitrageurs close every gap that pays, but for those of whales before their time.

        ``fair`` is each pool's fair price now, in token-1 atoms for an atom of token 0.
        """
        for index in [index for index, due in self._due.items() if due <= slot]:
            del self._due[index]
        for index, (down, up) in enumerate(self._rates):
            price, least = fair[index], 1.0 + self._margins[index]
            if down > price * least and index not in self._due:
                self._close_gap(index, True, price, slot)
            elif up * price > least and index not in self._due:
                self._close_gap(index, False, price, slot)

    def _close_gap(self, index: int, zero_for_one: bool, fair: float, slot: int) -> None:
        moment = moment_at(slot)
        atoms = closing_atoms(self.pools[index], zero_for_one, fair if zero_for_one else 1.0 / fair, moment)
        if atoms > 0.0:
            answer = self.swap(index, zero_for_one, int(atoms) + SPARE_ATOMS, moment)
            if isinstance(answer, SwapRefusal):  # the last atoms were too many
                self.swap(index, zero_for_one, int(atoms * (1.0 - 1e-6)), moment)

    def _put(self, index: int, state: PoolState) -> None:
        self.pools[index] = state
        self._rates[index] = marginal_rates(state)
        self.changed[index] = None

    # Facts and recovery

    def fact(self, index: int, slot: int, *, everything: bool) -> PoolAccountsRead:
        """The accounts that changed since the last fact, or all."""
        writer, state = EXACT_POOLS[index].writer, self.pools[index]
        accounts = writer.accounts(state) if everything else writer.changed(self._told[index], state)
        self._told[index] = state
        return _fact(index, slot, accounts)

    def state(self) -> ExactBookState:
        """What to carry, but for ``changed``."""
        states = []
        for index, (spec, told, now) in enumerate(zip(EXACT_POOLS, self._told, self.pools, strict=True)):
            changed = spec.writer.changed(told, now) if index in self.changed else ()
            states.append(ExactPoolState(spec.writer.accounts(told), changed))
        return ExactBookState(states, dict(self._due))

    @classmethod
    def from_state(cls, state: ExactBookState, changed: Iterable[int], gaps: bool) -> ExactBook:
        """The book that goes on from a state."""
        told = [account_pools.decode(_fact(index, 0, pool.told)) for index, pool in enumerate(state.pools)]
        book = cls(told, gaps)
        for index, pool in enumerate(state.pools):
            if pool.changed:
                accounts = {account.address: account for account in (*pool.told, *pool.changed)}
                book._put(index, account_pools.decode(_fact(index, 0, tuple(accounts.values()))))
        book.changed = dict.fromkeys(changed)
        book._due = dict(state.due_slots)
        return book

    def cursor(self) -> list[int]:
        """An integer for each pool that tells its states apart: a hash of its accounts."""
        data = (
            b"".join(account.data + account.lamports.to_bytes(8, "little") for account in spec.writer.accounts(state))
            for spec, state in zip(EXACT_POOLS, self.pools, strict=True)
        )
        return [int.from_bytes(blake2b(each, digest_size=7).digest(), "little") for each in data]


def _side_atoms(index: int, zero_for_one: bool, fair: float) -> float:
    """The depth of a pool in atoms of the token that goes in."""
    side_1_atoms = EXACT_POOLS[index].side_1_atoms
    return side_1_atoms / fair if zero_for_one else side_1_atoms


def _fact(index: int, slot: int, accounts: tuple[AccountRead, ...]) -> PoolAccountsRead:
    spec, moment = EXACT_POOLS[index], moment_at(slot)
    return PoolAccountsRead(
        *(spec.id, spec.program, spec.venue, spec.asset_0, spec.asset_1),
        *(moment.slot, moment.unix_time_s, moment.epoch, accounts),
    )
