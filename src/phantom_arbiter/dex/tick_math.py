"""Orca Whirlpool's table of ticks: the square root of 1.0001^tick as Q64.64, bit for bit, and back.

Verified: program (Whirlpool, by the swaps it answered). This is Orca's table, not Raydium's: Raydium CLMM has the same
range of ticks, ±443,636, and the same lowest price, but multiplies by factors with fewer bits and divides for positive
ticks, so its prices differ in the last digits (the highest is …521066979257578248091 there, …515401279992447579055
here). ``tick_at_sqrt_price`` takes the other table as ``price_at``.

For a negative tick factors of 64 fractional bits are multiplied, each product rounded down; for a positive one factors
of 96, and the last 32 are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

MIN_TICK = -443_636
MAX_TICK = 443_636
MIN_SQRT_PRICE_X64 = 4_295_048_016
MAX_SQRT_PRICE_X64 = 79_226_673_515_401_279_992_447_579_055
Q64 = 1 << 64

# 1.0001^(2^bit / 2) with 96 fractional bits, and 1.0001^(−2^bit / 2) with 64, for bit 0 to 18: the program's constants.
_UP_X96 = (
    79232123823359799118286999567,
    79236085330515764027303304731,
    79244008939048815603706035061,
    79259858533276714757314932305,
    79291567232598584799939703904,
    79355022692464371645785046466,
    79482085999252804386437311141,
    79736823300114093921829183326,
    80248749790819932309965073892,
    81282483887344747381513967011,
    83390072131320151908154831281,
    87770609709833776024991924138,
    97234110755111693312479820773,
    119332217159966728226237229890,
    179736315981702064433883588727,
    407748233172238350107850275304,
    2098478828474011932436660412517,
    55581415166113811149459800483533,
    38992368544603139932233054999993551,
)
_DOWN_X64 = (
    18445821805675392311,
    18444899583751176498,
    18443055278223354162,
    18439367220385604838,
    18431993317065449817,
    18417254355718160513,
    18387811781193591352,
    18329067761203520168,
    18212142134806087854,
    17980523815641551639,
    17526086738831147013,
    16651378430235024244,
    15030750278693429944,
    12247334978882834399,
    8131365268884726200,
    3584323654723342297,
    696457651847595233,
    26294789957452057,
    37481735321082,
)
_TICKS_PER_E = 2.0 / log(1.0001)
_LOG_Q64 = log(Q64)


def sqrt_price_at_tick(tick: int) -> int:
    """Q64.64 square root of the price (token B atoms for one atom of A) at ``tick``.

    Raises ValueError outside ±443,636.
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ValueError(f"tick is {tick}, expected {MIN_TICK} to {MAX_TICK}")
    bits, bit = abs(tick), 0
    factors, shift = (_UP_X96, 96) if tick > 0 else (_DOWN_X64, 64)
    ratio = 1 << shift
    while bits:
        if bits & 1:
            ratio = ratio * factors[bit] >> shift
        bits >>= 1
        bit += 1
    return ratio >> (shift - 64)


def tick_at_sqrt_price(sqrt_price_x64: int, price_at: Callable[[int], int] = sqrt_price_at_tick) -> int:
    """The largest tick whose price in the table ``price_at`` is not above ``sqrt_price_x64``.

    A logarithm in floats lands within one tick; the table decides. Raises ValueError outside the table.
    """
    if not price_at(MIN_TICK) <= sqrt_price_x64 <= price_at(MAX_TICK):
        raise ValueError(f"sqrt_price_x64 is {sqrt_price_x64}, expected the price of a tick within ±{MAX_TICK}")
    tick = round((log(sqrt_price_x64) - _LOG_Q64) * _TICKS_PER_E)
    tick = min(max(tick, MIN_TICK), MAX_TICK)
    while price_at(tick) > sqrt_price_x64:
        tick -= 1
    while tick < MAX_TICK and price_at(tick + 1) <= sqrt_price_x64:
        tick += 1
    return tick
