"""What the four engines' pages show. Conventions as in `rows`; ``panel`` is the engine's own JSON object."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from phantom_arbiter.core.commands import HandAct
from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.dashboard.arb_rows import ArbUpdate
from phantom_arbiter.dashboard.rows import Direction, GateMargin, Position, Receiver, Row


class VenueInfo(Row, frozen=True):
    """The perp venue a market table comes from."""

    name: str
    program: str
    quote: str
    status: VenueStatus
    reason: str = ""


class DriftMarket(Row, frozen=True):
    """A perp market. ``rate`` is the hourly rate as a fraction, positive: longs pay shorts; ``apr`` is
    rate · 24 · 365.25; ``direction`` is who receives; ``oi`` and ``volume_24h`` are USD. None: not known."""

    symbol: str
    rate: float
    apr: float
    direction: Receiver
    oi: float | None
    volume_24h: float | None
    mark_price: float | None
    oracle_price: float | None
    next_funding_ts: int | None
    rate_ts: int | None = None
    history: tuple[float, ...] = ()


class DriftStats(Row, frozen=True):
    """Totals over the markets whose numbers are known; ``avg_funding`` is the plain mean hourly rate."""

    total_oi: float | None
    volume_24h: float | None
    avg_funding: float | None


class MarketsResponse(Row, frozen=True):
    """The answer of ``GET /api/drift/markets``. ``as_of`` is when it was read, ``age_ms`` how long ago that was.

    ``stale`` with ``stale_reason``: the last good answer, since a newer one could not be had.
    """

    venue: VenueInfo
    markets: tuple[DriftMarket, ...]
    stats: DriftStats
    as_of: int
    age_ms: int
    stale: bool = False
    stale_reason: str = ""


class FundingCard(Row, frozen=True):
    """One of the three best markets. ``side`` is what to hold there; net of all costs over ``hold_days``."""

    symbol: str
    side: Direction
    rate: float
    apr: float
    net_apr: float
    break_even_days: float | None
    cost_bps: float
    hold_days: float
    available: bool
    why_not: str = ""


class FundingPayment(Row, frozen=True):
    """A funding settlement; ``amount_usd`` positive when received."""

    id: str
    ts: int
    instrument: str
    rate: float | None
    amount_usd: float


class FundingCandidate(Row, frozen=True):
    """A hedged position the engine weighs: ``market`` short against ``spot_leg``. Rates a year as fractions.

    ``funding_apr`` is expected to the horizon, ``net_apr`` on the capital it takes, after staking, borrow and the
    round trip of ``cost_bps``. ``collateral``: where the spot leg lies. ``traded`` False: compared only, for the reason
    in ``why_not``.
    """

    market: str
    spot_leg: str
    collateral: Literal["wallet", "venue"]
    rate_apr: float | None
    funding_apr: float | None
    staking_apr: float
    borrow_apr: float
    cost_bps: float | None
    net_apr: float | None
    break_even_days: float | None
    liq_price: float | None
    traded: bool
    why_not: str = ""


class SagaLeg(Row, frozen=True):
    """A leg of a hedge under way. ``detail`` in words: "9.5 of 10 SOL filled at 125.31"."""

    name: Literal["margin", "short", "cover", "spot", "withdraw"]
    status: Literal["waiting", "sent", "partial", "filled", "failed", "unknown"]
    detail: str = ""


class Saga(Row, frozen=True):
    """A hedge under way or the last one. ``cause``: the command's id, empty where the engine acted by itself.

    ``naked_usd_s`` is the dollar-seconds of unhedged exposure it has had so far, ``naked_cap_usd_s`` what it may have.
    """

    id: str
    kind: Literal["open", "close", "hedge", "unwind"]
    cause: str
    stage: Literal["accepted", "leg_1", "leg_2", "done", "failed", "unknown"]
    legs: tuple[SagaLeg, ...]
    started_ts: int
    deadline_ts: int
    naked_usd_s: float
    naked_cap_usd_s: float
    message: str = ""


class PreviewFigures(Row, frozen=True):
    """The funding account before or after an act. Base units signed, dollars, liquidation price in dollars."""

    spot: float
    perp: float
    delta: float
    collateral_usd: float
    free_collateral_usd: float | None
    health: float | None
    liq_price: float | None
    leverage: float | None


class PreviewRow(Row, frozen=True):
    """What an act by hand would do. Sizes in base units (a transfer: quote units); rates and APR as fractions.

    ``spot_asset`` and ``spot_amount``: what the spot leg buys or sells, None without one.
    ``gates`` are all measured, in their order; ``refused`` is the first that says no. The act must name ``hash`` before
    ``expires_ts`` (market time).
    """

    of: HandAct
    market: str
    size: float
    min_size: float
    max_size: float
    step: float
    spot_asset: str | None
    spot_amount: float | None
    before: PreviewFigures
    after: PreviewFigures
    words: str
    hash: str
    expires_ts: int
    cost_usd: dict[str, float]
    total_cost_usd: float
    break_even_days: float | None
    net_apr: float | None
    gates: tuple[GateMargin, ...]
    refused: GateMargin | None


class FundingUpdate(Row, frozen=True):
    """The funding engine. ``health`` is 0…100; the account fields are None with no account open; dollars but for
    ``spot_sol``, ``perp_sol`` (signed) and ``net_delta`` (their sum, in SOL); ``drift_pct`` = 100·net_delta/spot.
    ``market`` is that of the position held (those three are in its base), ``by_hand`` whether a person opened it."""

    ts: int
    spot_sol: float
    perp_sol: float
    net_delta: float
    drift_pct: float | None
    sol_price: float | None
    health: float | None
    total_collateral: float | None
    equity: float | None
    maintenance_margin: float | None
    free_collateral: float | None
    leverage: float | None
    liq_price: float | None
    positions: tuple[Position, ...] = ()
    market: str | None = None
    by_hand: bool = False
    candidates: tuple[FundingCandidate, ...] = ()
    saga: Saga | None = None
    cards: tuple[FundingCard, ...] = ()
    payments: tuple[FundingPayment, ...] = ()
    market_table: MarketsResponse | None = None
    panel: dict[str, Any] = field(default_factory=dict)


class LstToken(Row, frozen=True):
    """An LST: SOL per token in the market, and at redemption after its fee. ``discount_bps`` positive: the market
    is below fair. ``band_bps`` is the discount at which the engine enters."""

    token: str
    price_sol: float | None
    fair_sol: float | None
    discount_bps: float | None
    band_bps: float | None
    epoch: int | None = None
    epoch_end_ts: int | None = None
    instant_fee_bps: float | None = None
    reserve_sol: float | None = None
    paused: bool = False
    why_not: str = ""


class LstPosition(Row, frozen=True):
    """An LST held, and how it is to be left. ``plan`` names the rung of the exit ladder."""

    id: str
    token: str
    size: float
    entry_sol: float
    now_sol: float | None
    pnl_usd: float | None
    opened_ts: int
    plan: str = ""
    target_discount_bps: float | None = None


class LstUpdate(Row, frozen=True):
    """The LST engine's page."""

    ts: int
    tokens: tuple[LstToken, ...] = ()
    positions: tuple[LstPosition, ...] = ()
    panel: dict[str, Any] = field(default_factory=dict)


class ScalpPod(Row, frozen=True):
    """A pod of the scalp grid: one strategy. ``p_win`` is the measured share of its trials that ended in a gain,
    ``p_star`` the share of target hits it needs to break even after costs, None where these differ by token."""

    id: str
    token: str
    instrument: str
    status: Literal["watching", "signal", "in_position", "cooling", "blocked", "off"]
    trades: int = 0
    wins: int = 0
    pnl_usd: float = 0.0
    p_win: float | None = None
    p_star: float | None = None
    price: float | None = None
    why_not: str = ""


class ScalpSignal(Row, frozen=True):
    """A signal: what it expects after costs against what it needs; ``verdict`` says what became of it."""

    id: str
    ts: int
    pod: str
    token: str
    instrument: str
    price: float
    strength: float
    expectancy_bps: float
    p_win: float | None
    p_star: float | None
    verdict: str = ""


class ScalpPosition(Row, frozen=True):
    """A scalp under way, with the prices and the instant at which it ends."""

    id: str
    pod: str
    token: str
    instrument: str
    size: float
    entry_price: float
    price: float | None
    target_price: float
    stop_price: float
    timeout_ts: int
    opened_ts: int
    pnl_usd: float | None


class ScalpUpdate(Row, frozen=True):
    """The scalp engine's page."""

    ts: int
    pods: tuple[ScalpPod, ...] = ()
    positions: tuple[ScalpPosition, ...] = ()
    panel: dict[str, Any] = field(default_factory=dict)


EnginePanel = FundingUpdate | LstUpdate | ScalpUpdate | ArbUpdate


class PanelSet(Struct, frozen=True, kw_only=True):
    """The last state of each engine's page; None until the engine first spoke."""

    funding: FundingUpdate | None = None
    lst: LstUpdate | None = None
    scalp: ScalpUpdate | None = None
    arb: ArbUpdate | None = None
