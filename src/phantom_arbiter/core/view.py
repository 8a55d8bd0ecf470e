"""What the market looked like last: the kernel writes it, engines, gates and reports read it."""

from __future__ import annotations

from msgspec.structs import replace

from phantom_arbiter.core.events import (
    BorrowRatePosted,
    Envelope,
    FeesPosted,
    FundingPosted,
    LinkChanged,
    OraclePosted,
    PerpStatsRead,
    PoolAccountsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
    TokenAudited,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.instruments import STABLE_ASSETS, Universe
from phantom_arbiter.core.units import power_of_ten

FeesNow = FeesPosted(priority_micro_lamports=10_000, tip_floor_lamports=1_000)


class MarketView:
    """The latest envelope of every kind and subject. Ages are measured against ``now_ns``, the last envelope's time."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.now_ns = 0
        self.slot = 0
        self.quotes: dict[str, Envelope] = {}
        self.oracles: dict[str, Envelope] = {}
        self.perps: dict[str, Envelope] = {}
        self.fundings: dict[str, Envelope] = {}
        self.funding_index_e9: dict[str, int] = {}
        self.borrow_rates: dict[tuple[str, str], BorrowRatePosted] = {}
        self.pools: dict[str, Envelope] = {}
        self.account_pools: dict[str, Envelope] = {}
        self.stake_pools: dict[str, Envelope] = {}
        self.audits: dict[str, Envelope] = {}
        self.venues: dict[str, VenueStatusChanged] = {}
        self.links: dict[str, LinkChanged] = {}
        self.fees: FeesPosted = FeesNow

    def fold_quote(self, envelope: Envelope) -> None:
        """Take in a `Quoted`: the hot path, apart from the rest."""
        body: Quoted = envelope.body  # type: ignore[assignment]
        self.now_ns = envelope.ts_ns
        self.slot = body.slot
        self.quotes[body.instrument] = envelope

    def fold(self, envelope: Envelope) -> None:
        """Take in one market fact; anything else is left alone."""
        body = envelope.body
        self.now_ns = envelope.ts_ns
        match body:
            case Quoted():
                self.quotes[body.instrument] = envelope
                self.slot = body.slot
            case PoolUpdated() | PoolAccountsRead():
                self._fold_pool(envelope, body)
                self.slot = body.slot
            case OraclePosted():
                self.oracles[body.instrument] = envelope
                self.slot = body.slot
            case FundingPosted():
                self.fundings[body.instrument] = envelope
                index = self.funding_index_e9.get(body.instrument, 0)
                self.funding_index_e9[body.instrument] = index + body.rate_e9
            case PerpStatsRead():
                self.perps[body.instrument] = envelope
            case StakePoolRead():
                self.stake_pools[body.token] = envelope
            case TokenAudited():
                self.audits[body.token] = envelope
            case BorrowRatePosted():
                self.borrow_rates[body.venue, body.asset] = body
            case VenueStatusChanged():
                self.venues[body.venue] = body
            case LinkChanged():
                self.links[body.feed] = body
            case FeesPosted():
                self.fees = body
            case _:
                pass

    def quote(self, instrument: str) -> Quoted | None:
        """The last quote, or None where there was none."""
        envelope = self.quotes.get(instrument)
        return envelope.body if envelope is not None else None  # type: ignore[return-value]

    def pool(self, pool: str) -> PoolUpdated | None:
        """The last state of a pool, or None."""
        envelope = self.pools.get(pool)
        return envelope.body if envelope is not None else None  # type: ignore[return-value]

    def account_pool(self, pool: str) -> PoolAccountsRead | None:
        """The last state of a pool told by its accounts, all of them together, or None."""
        envelope = self.account_pools.get(pool)
        return envelope.body if envelope is not None else None  # type: ignore[return-value]

    def pool_told(self, pool: str) -> Envelope | None:
        """The last word on a pool of either kind, or None."""
        return self.pools.get(pool) or self.account_pools.get(pool)

    def pool_venue(self, pool: str) -> str | None:
        """The venue that a pool of either kind belongs to, or None for one that nobody spoke of."""
        body = self.pool(pool) or self.account_pool(pool)
        return body.venue if body is not None else None

    def _fold_pool(self, envelope: Envelope, body: PoolUpdated | PoolAccountsRead) -> None:
        """A pool told by its accounts keeps those that this fact leaves out, as they were told before."""
        if isinstance(body, PoolUpdated):
            self.pools[body.pool] = envelope
            return
        before = self.account_pool(body.pool)
        if before is not None:
            accounts = {account.address: account for account in (*before.accounts, *body.accounts)}
            envelope = replace(envelope, body=replace(body, accounts=tuple(accounts.values())))
        self.account_pools[body.pool] = envelope

    def oracle(self, instrument: str) -> OraclePosted | None:
        """The last oracle price of a perp's base, or None."""
        envelope = self.oracles.get(instrument)
        return envelope.body if envelope is not None else None  # type: ignore[return-value]

    def stake_pool(self, token: str) -> StakePoolRead | None:
        """The last reading of a stake pool, or None."""
        envelope = self.stake_pools.get(token)
        return envelope.body if envelope is not None else None  # type: ignore[return-value]

    def age_ns(self, envelope: Envelope) -> int:
        """How old a fact is."""
        return self.now_ns - envelope.ts_ns

    def venue_status(self, venue: str) -> VenueStatus:
        """A venue nobody spoke of is absent."""
        status = self.venues.get(venue)
        return status.status if status is not None else VenueStatus.ABSENT

    def usd_price(self, asset: str) -> float | None:
        """USD per whole unit: stables at 1, SOL from its oracle (else its quote), the rest through their SOL or
        stable quote's mid. None where no price is known; an estimate for sizing and reports, never for a fill."""
        if asset in STABLE_ASSETS:
            return 1.0
        oracle = self.oracle(f"{asset}-PERP")
        if oracle is not None:
            return self.universe.instruments[oracle.instrument].price(oracle.px)
        for stable in ("USDC", "USDT"):
            mid = self.mid(f"{asset}/{stable}")
            if mid is not None:
                return mid
        if asset == "SOL":
            return None
        mid, sol = self.mid(f"{asset}/SOL"), self.usd_price("SOL")
        if mid is not None and sol is not None:
            return mid * sol
        return None

    def mid(self, instrument: str) -> float | None:
        """The middle of bid and ask as a float, or None."""
        quote = self.quote(instrument)
        if quote is None:
            return None
        return self.universe.instruments[instrument].price(quote.bid_px + quote.ask_px) / 2

    def usd_micros(self, asset: str, atoms: int) -> int | None:
        """What an amount is worth in millionths of a dollar, rounded to the nearest; None where no price is known."""
        price = self.usd_price(asset)
        if price is None:
            return None
        return round(atoms / power_of_ten(self.universe.assets[asset].decimals) * price * 1_000_000)
