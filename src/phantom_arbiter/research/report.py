"""What a run came to, per engine and cause, beside "just hold"."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.units import MICROS_PER_USD


class EngineReport(Struct, frozen=True):
    """One engine's run. ``pnl`` is its own result in USD by cause, ``pnl_total`` their sum; ``capital`` is what the
    price of its starting capital did besides, so that both sum to the change of equity. ``max_drawdown`` in USD is of
    its own result."""

    facts: int
    intents: int
    approved: int
    refused: dict[str, int]
    trades: int
    pnl: dict[str, float]
    pnl_total: float
    capital: float | None
    equity: float | None
    max_drawdown: float
    remark: str


class RunReport(Struct, frozen=True):
    """A run in one JSON object. ``hold`` is the P&L in USD of the same starting equity held in SOL or jitoSOL; None
    where no price was known. ``skipped`` lists files of the data map that the folder lacks. Of recorded data also:
    ``assumptions``, what it does not say, in words; ``limits``, how old data might be; ``refused_rows``, how many of
    its rows were not sound and left out."""

    state_hash: str
    engines: dict[str, EngineReport]
    hold: dict[str, float | None]
    skipped: list[str] = []
    run: str = ""
    facts: int = 0
    assumptions: tuple[str, ...] = ()
    limits: dict[str, int] = {}
    refused_rows: int = 0


def report(kernel: Kernel, state_hash: str, skipped: list[str], run: str) -> RunReport:
    """Read the kernel at the end of a run."""
    kernel.mark_equity(kernel.view.now_ns)
    kernel.settle_counts()
    return RunReport(
        state_hash=state_hash,
        engines={engine: _engine(kernel, engine) for engine in kernel.engines},
        hold=_hold(kernel),
        skipped=skipped,
        run=run,
        facts=kernel.seq,
    )


def _engine(kernel: Kernel, engine: str) -> EngineReport:
    record, book = kernel.records[engine], kernel.desks[engine].book
    causes = kernel.accounting.pnl_by_cause_micros(engine)
    equity, own = kernel.accounting.equity_micros(engine), kernel.accounting.own_equity_micros(engine)
    return EngineReport(
        facts=record.facts,
        intents=record.intents,
        approved=record.approved,
        refused=dict(sorted(record.refused.items())),
        trades=book.trades,
        pnl={cause: micros / MICROS_PER_USD for cause, micros in causes.items()},
        pnl_total=sum(causes.values()) / MICROS_PER_USD,
        capital=(equity - own) / MICROS_PER_USD if equity is not None and own is not None else None,
        equity=equity / MICROS_PER_USD if equity is not None else None,
        max_drawdown=book.max_drawdown_micros / MICROS_PER_USD,
        remark=_remark(record.intents, record.approved, record.refused, book.trades),
    )


def _remark(intents: int, approved: int, refused: dict[str, int], trades: int) -> str:
    if not intents:
        return "made no intent: the facts it needs did not come, or nothing it looks for happened"
    if not approved:
        if set(refused) == {"edge"}:
            return "every intent was rightly refused by the edge gate: no trade was worth its costs"
        return f"every intent was refused: {', '.join(f'{gate} {count}' for gate, count in sorted(refused.items()))}"
    if not trades:
        return "approved orders, but none filled"
    return ""


def _hold(kernel: Kernel) -> dict[str, float | None]:
    start = kernel.benchmark
    now_usd, pool = kernel.view.usd_price("SOL"), kernel.view.stake_pool("jitoSOL")
    if not start.start_equity_micros or now_usd is None:
        return {"SOL": None, "jitoSOL": None}
    equity = start.start_equity_micros / MICROS_PER_USD
    growth = now_usd / start.start_sol_usd
    held = {"SOL": equity * (growth - 1), "jitoSOL": None}
    if pool is not None and start.start_jitosol_rate:
        rate = pool.total_lamports / pool.supply_atoms
        held["jitoSOL"] = equity * (growth * rate / start.start_jitosol_rate - 1)
    return held
