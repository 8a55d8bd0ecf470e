"""The carry lab's totals worked out anew in plain Python and polars, with nothing of the package."""

import math

import polars as pl

YEAR, NEVER = 8766.0, 30.0


def worth(m, y):  # the switch equation's integral, from one end y (deviations from the mean) to the other
    def level(v):
        return m * math.sqrt(math.pi / 2) * math.erfc(-v / 2**0.5) - math.exp(-v * v / 2)

    lo, hi = (-m, NEVER) if y < -m else (-NEVER, -m)
    if y > -m and level(y) >= level(-NEVER):
        return math.inf
    for _ in range(60):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if (level(mid) < level(y)) == (y < -m) else (lo, mid)
    a, width = min(y, lo), abs(y - lo)
    points = [a + width * (i + 0.5) / 800 for i in range(800)]
    return sum(math.exp(v * v / 2) * (level(y) - level(v)) for v in points) * width / 800


def turns(rate, mean, kappa, sd, cost, hurdle, held):  # does hysteresis leave, or enter, at this rate?
    gap, m, h = (
        (hurdle - rate if held else rate - hurdle),
        abs(mean - hurdle),
        (1.5 * kappa * sd * sd * cost) ** (1 / 3),
    )
    toward = (mean > hurdle) != held
    if gap <= 0 or m >= NEVER * sd:
        return gap > 0 and m > 0 and toward
    if h <= 1.5 * sd and m <= 0.1 * h:
        return gap > h
    x, m = gap / sd + 0.5826 * math.sqrt(2 * kappa), m / sd
    return worth(m, x - m if toward else max(-m - x, -NEVER)) > kappa * cost / sd


def totals(data, market, spot, until):
    """USD by policy, 10,000 USD of notional, from the first posted hour up to the day ``until``."""
    rows = pl.read_parquet(f"{data}/drift_funding_hourly/{market}_1h.parquet").sort("ts")
    rows = rows.filter(pl.col("ts") < pl.lit(until).str.to_datetime(time_zone="UTC", time_unit="ms"))
    usdc, apy = (
        pl.read_parquet(f"{data}/solana_carry_rates/{name}_1h.parquet")
        .sort("ts")
        .with_columns(pl.col("ts").dt.offset_by("1h"))
        for name in ("drift_spot_USDC_lend_borrow", "jitosol_staking_apy")
    )
    pool = (
        pl.read_parquet(f"{data}/lst_stake_pool_rates/rates_per_epoch_named.parquet").filter(pool="jitoSOL").sort("ts")
    )
    pool = pool.select("ts", g=pl.col("price").log().diff() / pl.col("ts").diff().dt.total_milliseconds() * 3.6e6)
    for other in (usdc.select("ts", "avg_borrowing_rate"), apy.select("ts", "avg_apy"), pool):
        rows = rows.join_asof(other, on="ts")
    lst = spot == "jitosol"
    stake = rows.select(pl.coalesce(pl.col("avg_apy").log1p() / YEAR, "g") * float(lst)).to_series().to_list()
    ms, borrow = rows["ts"].dt.epoch("ms").to_list(), rows["avg_borrowing_rate"].to_list()
    oracle, mark = rows["oracle_price_twap"].to_list(), rows["mark_price_twap"].to_list()
    e9 = [round(rate * 1e9) for rate in rows["funding_rate_quote_per_base"]]
    atoms, prior = 10_000 * 10**15 // round(oracle[0] * 1e6), 0.5 ** (1 / 24)
    cost, base, result = (29e-4 if lst else 19e-4), atoms / 1e9, {}
    for policy in ("hold", "sign-flip", "hysteresis"):
        mean = var = cov = last = usd = entry = 0.0
        held = turn = False
        for i, rate in enumerate(r / (o * 1e9) for r, o in zip(e9, oracle, strict=True)):
            for closing in (False, True):
                if (held and i == len(e9) - 1) if closing else turn:  # a fill: fees, slippage, the premium against us
                    entry = max(mark[i], oracle[i]) if held else min(mark[i], oracle[i])
                    swap = oracle[i] * (15e-4 if held and lst else 5e-4)
                    usd -= base * (entry * 4.5e-4 + swap + abs(entry - oracle[i]))
                    held = not held
                if held and not closing:
                    hours = (ms[i] - ms[i - 1]) / 3.6e6
                    short = max(0.0, oracle[i] - 1.5 * entry) * borrow[i - 1] / 100 / YEAR * hours
                    usd += math.copysign(atoms * abs(e9[i]) // 10**12, e9[i]) / 1e6
                    usd += base * (oracle[i] * math.expm1(stake[i - 1] * hours) - short)
            weight, off = max(1 / (i + 1), 1 - 0.5 ** (1 / 168)), (rate - mean if i else 0.0)
            before, mean = (last - mean if i else 0.0), (mean + weight * off if i else rate)
            var, cov, last = var + weight * (off * off - var), cov + weight * (off * before - cov), rate
            seen = min(1.0, (i + 1) / 24)
            phi = min(max(seen * (cov / var if var > 0 else prior) + (1 - seen) * prior, 0.05), 0.995)
            center = seen * mean + (1 - seen) * min(max(mean, -0.2 / YEAR), 0.2 / YEAR)
            sd = math.sqrt(seen * var + (1 - seen) * (0.2 / YEAR) ** 2)
            turn = {
                "hold": not held,
                "sign-flip": rate < 0 if held else rate > 0,
                "hysteresis": policy == "hysteresis" and turns(rate, center, -math.log(phi), sd, cost, -stake[i], held),
            }[policy]
        result[policy] = usd
    return result
