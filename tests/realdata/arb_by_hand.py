"""Every fill of an arb run worked out anew from the rows of the Parquet files, in plain Python and polars, with nothing
of the package: what each pool held when a transaction met it, what it paid, whether the guards held, what it was worth.

How a pool is read. Raydium: the vaults as they are. Orca: the row tells what is for sale up to the next tick and what
that costs; the pool pays like a constant product on the smaller of the two at the row's price. Between two rows of a
pool our own swaps stay in it; who trades the other way doesn't profit from them. A rival who won the race swapped what
we had wanted to.
"""

import bisect
import math
import re
from typing import NamedTuple

import polars as pl

SLOT_NS = 400_000_000
E6 = 10**6
DECIMALS = {"USDC": 6, "USDT": 6}  # all others 9
WIDEST = "OrcaWhirlpool(SOL-USDC-128)"  # only ever bought from: its fee is not told by a sale
RENT = (165 + 128) * 6960


class Leg(NamedTuple):
    pool: str
    in_asset: str
    out_asset: str
    in_atoms: int
    least_atoms: int
    out_atoms: int = 0
    fee_atoms: int = 0


class Ended(NamedTuple):
    """A transaction and what was told of it."""

    name: str
    outcome: str
    landed_slot: int
    told_ns: int
    legs: list
    chain: dict
    priority: int
    tip: int


class Pool(NamedTuple):
    label: str
    base: str
    quote: str
    fee: int
    times: list
    rows: list


def ceil(a, b):
    return -(-a // b)


def atoms(asset):
    return 10 ** DECIMALS.get(asset, 9)


def fees_of(data):
    """Parts per million by label: what the source charged for a sale, over its value."""
    sales = pl.read_parquet(f"{data}/solana_cross_dex/arb_opportunities.parquet")
    paid = pl.col("sell_fee") / (pl.col("arb_base_qty") * pl.col("sell_price"))
    found = sales.group_by("sell_lp").agg((paid.median() * 1e6).round().cast(pl.Int64))
    bought = (pl.col("buy_fee") / (pl.col("arb_base_qty") * pl.col("buy_price")) / 1.005).median()
    missing = sales.filter(~pl.col("buy_lp").is_in(found["sell_lp"].to_list())).group_by("buy_lp").agg(bought * 1e6)
    fees = dict(found.iter_rows())
    return fees | {label: 100 * round(fee / 100) for label, fee in missing.iter_rows()}


def pools_of(data):
    fees = fees_of(data)
    table = pl.read_parquet(f"{data}/solana_cross_dex/pool_states.parquet")
    table = table.unique(["pool", "slot", "base_qty", "quote_qty"], keep="first", maintain_order=True)
    table = table.with_columns(ns=pl.col("ts_est").dt.epoch("ns")).sort("ns", maintain_order=True)
    found = {}
    for ns, label, pair, pool, base, quote, price in table.select(
        "ns", "lp", "pair", "pool", "base_qty", "quote_qty", "price"
    ).iter_rows():
        a, b = pair.split("-")
        one = found.setdefault(pool, Pool(label, a, b, fees[label], [], []))
        one.times.append(ns)
        if label.startswith("Raydium"):
            row = round(base * atoms(a)), round(quote * atoms(b))
        else:
            least = min(base, quote / price)
            row = int(least * atoms(a)), int(least * price * atoms(b))
        one.rows.append((*row, price, base, quote))
    return found


class ByHand:
    """Follows a run's transactions in the order in which they met the market. ``wrong`` says what is not as told."""

    def __init__(self, data):
        self.pools = pools_of(data)
        self.pushes = {}
        self.change = {}
        self.opened = set()
        self.wrong = []
        self.beyond = self.inside = 0
        prices = [
            (ns, pool, row[2])
            for pool, one in self.pools.items()
            if re.fullmatch(r"OrcaWhirlpool\(SOL-USDC-[1248]\)", one.label)
            for ns, row in zip(one.times, one.rows, strict=True)
        ]
        prices.sort(key=lambda at: at[:2])
        ratios = pl.read_parquet(f"{data}/solana_cross_dex/lst_ratio_from_pools.parquet")
        ratios = ratios.with_columns(ns=pl.col("ts_est").dt.epoch("ns")).sort("ns", maintain_order=True)
        self.ratios = {lst: rows for (lst,), rows in ratios.partition_by("lst", as_dict=True).items()}
        self.price_times, self.prices = [at[0] for at in prices], [round(at[2] * E6) / E6 for at in prices]

    def faced(self, leg, now_ns):
        """What the pool holds of both sides for a swap now."""
        pool = self.pools[leg.pool]
        place = bisect.bisect_right(pool.times, now_ns) - 1
        sells_base = leg.in_asset == pool.base
        a, b = pool.rows[place][:2]
        has_in, has_out = (a, b) if sells_base else (b, a)
        pushed = self.pushes.get(leg.pool)
        if pushed and pushed[:2] == (place, sells_base):
            has_in, has_out = has_in + pushed[2], has_out - pushed[3]
        return place, sells_base, has_in, has_out

    def paid(self, leg, now_ns):
        _, _, has_in, has_out = self.faced(leg, now_ns)
        fee = ceil(leg.in_atoms * self.pools[leg.pool].fee, E6)
        net = leg.in_atoms - fee
        return has_out * net // (has_in + net), fee

    def push(self, leg, out_atoms, now_ns):
        place, sells_base, has_in, has_out = self.faced(leg, now_ns)
        a, b = self.pools[leg.pool].rows[place][:2]
        row_in, row_out = (a, b) if sells_base else (b, a)
        self.pushes[leg.pool] = (place, sells_base, has_in + leg.in_atoms - row_in, row_out - has_out + out_atoms)

    def follow(self, told):
        """Check a transaction; what it gained after everything, in millionths of a dollar."""
        now_ns = told.landed_slot * SLOT_NS
        if told.outcome not in ("landed", "beaten", "reverted"):
            self.expect(told, "fees", sum(told.chain.values()), 0)
            return 0
        quotes = [self.paid(leg, now_ns) for leg in told.legs]
        held, sound = {}, True
        base = told.legs[0].in_asset
        for leg, (out, _) in zip(told.legs, quotes, strict=True):
            sound &= out >= leg.least_atoms and out > 0
            if leg.in_asset != base:
                held[leg.in_asset] = held.get(leg.in_asset, 0) - leg.in_atoms
                sound &= held[leg.in_asset] >= 0
            held[leg.out_asset] = held.get(leg.out_asset, 0) + out
        self.expect(told, "guards hold", sound, told.outcome != "reverted")
        if told.outcome == "reverted":
            self.expect(told, "fees", sum(told.chain.values()), 0)
            return 0
        for leg, (out, _) in zip(told.legs, quotes, strict=True):
            self.push(leg, out, now_ns)
        if told.outcome == "beaten":
            self.expect(told, "fees", sum(told.chain.values()), 0)
            return 0
        return self.landed(told, quotes)

    def landed(self, told, quotes):
        flows = {}
        for leg, (out, fee) in zip(told.legs, quotes, strict=True):
            self.expect(told, f"{leg.pool} pays", leg.out_atoms, out)
            self.expect(told, f"{leg.pool} charges", leg.fee_atoms, fee)
            flows[leg.in_asset] = flows.get(leg.in_asset, 0) - leg.in_atoms
            flows[leg.out_asset] = flows.get(leg.out_asset, 0) + out
            self.bound(told, leg, out, fee)
        new = {leg.out_asset for leg in told.legs} - {"SOL", "USDC", "USDT"} - self.opened
        self.opened |= new
        chain = {"base": 5000, "priority": told.priority, "tip": told.tip, "rent": RENT * len(new)}
        self.expect(told, "chain fees", told.chain, {kind: paid for kind, paid in chain.items() if paid})
        for asset, flow in (*flows.items(), ("SOL", -sum(chain.values()))):
            self.change[asset] = self.change.get(asset, 0) + flow

        def micros(asset, flow):
            return round(flow / atoms(asset) * self.price(asset, told.told_ns) * E6)

        return sum(micros(*flow) for flow in flows.items()) - sum(micros("SOL", paid) for paid in chain.values())

    def price(self, asset, now_ns):
        """Dollars: of the stables one, of SOL the last row of a cheap pool, of others their last ratio to SOL."""
        if asset in DECIMALS:
            return 1.0
        sol = self.prices[bisect.bisect_right(self.price_times, now_ns) - 1]
        if asset == "SOL":
            return sol
        ratio = self.ratios[asset].filter(pl.col("ns") <= now_ns)["ratio"][-1]
        return round(ratio * 1e9) / 1e9 * sol

    def bound(self, told, leg, out, fee):
        """An Orca fill pays no more than the tick range itself would: its liquidity follows from the row."""
        pool = self.pools[leg.pool]
        if not pool.label.startswith("Orca"):
            return
        place = self.faced(leg, told.landed_slot * SLOT_NS)[0]
        _, _, price, base, _ = pool.rows[place]
        spacing, scale = int(re.search(r"-(\d+)\)$", pool.label)[1]), atoms(pool.quote) / atoms(pool.base)
        tick = math.log(price * scale, 1.0001)
        low, high = (1.0001 ** (edge * spacing / 2) for edge in (tick // spacing, tick // spacing + 1))
        root, net = math.sqrt(price * scale), leg.in_atoms - fee
        liquidity = base * atoms(pool.base) / (1 / root - 1 / high)
        if leg.in_asset == pool.base:
            after = 1 / (1 / root + net / liquidity)
            most, stays = liquidity * (root - after), after >= low
        else:
            after = root + net / liquidity
            most, stays = liquidity * (1 / root - 1 / after), after <= high
        self.inside += stays
        self.beyond += not stays
        if stays and out > most * (1 + 1e-9) + 1:
            self.wrong.append(f"{told.name}: {leg.pool} pays {out}, its tick range at most {most:.0f}")

    def expect(self, told, what, got, expected):
        if got != expected:
            self.wrong.append(f"{told.name}: {what}: told {got}, by hand {expected}")


def best_gain(buy, sell):
    """The most that a purchase at one pool and its sale at the other give: a search over sizes, no formula."""
    (base_1, quote_1, fee_1), (base_2, quote_2, fee_2) = buy, sell

    def gain(size):
        got = base_1 * size * (1 - fee_1) / (quote_1 + size * (1 - fee_1)) * (1 - fee_2)
        return quote_2 * got / (base_2 + got) - size

    low, high = 0.0, quote_1
    for _ in range(100):
        third = (high - low) / 3
        low, high = (low + third, high) if gain(low + third) < gain(high - third) else (low, high - third)
    return gain(low)


def episodes(data):
    """(rows, runs of slots, runs between the two stables, lives, gains of rows, best gains of runs in one pair summed)
    of pairs of pools of SOL, from the file itself."""
    rows = pl.read_parquet(f"{data}/solana_cross_dex/arb_opportunities.parquet")
    fees, seen = fees_of(data), {}
    names = [f"{leg}_{what}" for leg in ("buy", "sell") for what in ("pool", "lp", "base_qty", "quote_qty", "price")]
    for slot, *told in rows.select("slot", *names).iter_rows():
        (buy, bought, *has), (sell, sold, *wants) = told[:5], told[5:]
        one, other = (re.search(r"\((\w+)-(USD[CT])", label) for label in (bought, sold))
        if one[1] == other[1]:
            sides = [(min(base, quote / price), price) for base, quote, price in (has, wants)]
            sides = [
                (least, least * price, fees[label] / E6)
                for (least, price), label in zip(sides, (bought, sold), strict=True)
            ]
            seen.setdefault((buy, sell, one[2] != other[2]), {}).setdefault(slot, best_gain(*sides))
    lives, crossing, closed = [], 0, 0.0
    for (_, _, crosses), slots in seen.items():
        ends = sorted(slot for slot in slots if slot + 1 not in slots)
        starts = sorted(slot for slot in slots if slot - 1 not in slots)
        lives += [end - start + 1 for start, end in zip(starts, ends, strict=True)]
        crossing += crosses * len(ends)
        if not crosses:
            closed += sum(
                max(slots[slot] for slot in range(start, end + 1)) for start, end in zip(starts, ends, strict=True)
            )
    gains = sorted(gain for slots in seen.values() for gain in slots.values())
    return len(gains), len(lives), crossing, sorted(lives), gains, closed
