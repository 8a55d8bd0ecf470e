"""The compute units that a transaction of ours asks for: the priority fee is paid on what is asked, used or not.

Above the most that thousands of swaps of our own instructions took on the real programs in LiteSVM, with the older
token program; with the one of 2026 a swap takes 16,000 less. Programs that no instruction of ours has run are assumed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool
from phantom_arbiter.dex.meteora_dlmm import DlmmPool
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.dex.raydium_clmm import ClmmPool
from phantom_arbiter.dex.raydium_cpmm import CpmmPool
from phantom_arbiter.dex.whirlpool import Whirlpool


class _Units(NamedTuple):
    """What a swap asks for, and more for each tick or bin that it crosses."""

    swap: int
    crossing: int


_MEASURED: Final[dict[type, _Units]] = {
    ConstantProductPool: _Units(55_000, 0),
    CpmmPool: _Units(55_000, 0),
    Whirlpool: _Units(80_000, 9_000),
    ClmmPool: _Units(100_000, 20_000),
    DlmmPool: _Units(60_000, 5_400),
    DammV2Pool: _Units(40_000, 0),
}
_ADAPTIVE_WHIRLPOOL: Final = _Units(80_000, 13_000)
_ASSUMED: Final = _Units(100_000, 5_400)
TRANSACTION_UNITS: Final = 6_000
"""What limit, price and tip (150 each) and the guard take, where the chain has the older token program."""
CREATE_UNITS: Final = 30_000
"""What making an associated token account takes at most, with a rare address that is hard to derive."""


def swap_units(pool: PoolState, crossed: int) -> int:
    """What one swap asks for; ``crossed`` is the quote's count of ticks, tick groups or bins left behind."""
    adaptive = isinstance(pool, Whirlpool) and pool.adaptive_fee is not None
    units = _ADAPTIVE_WHIRLPOOL if adaptive else _MEASURED.get(type(pool), _ASSUMED)
    return units.swap + units.crossing * crossed
