"""From the kernel's state to the dashboard's rows: engine cards, balances, positions, equity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.health import book_account, liquidation_px
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.units import MICROS_PER_USD, NS_PER_DAY, NS_PER_SECOND, power_of_ten
from phantom_arbiter.dashboard import frames, rows

NS_PER_MS: Final = 1_000_000
TITLES: Final[dict[EngineId, str]] = {
    "funding": "Funding (Delta Neutral)",
    "lst": "LST (De-Pegger)",
    "scalp": "Scalp",
    "arb": "Arb (Trip Hopper)",
}


def usd(micros: int) -> float:
    """Millionths of a dollar as dollars."""
    return micros / MICROS_PER_USD


def engine_card(kernel: Kernel, engine: EngineId) -> rows.EngineCard:
    """One engine at a glance; P&L is its own result, without its starting capital's own change of price."""
    record, desk = kernel.records[engine], kernel.desks[engine]
    causes = kernel.accounting.pnl_by_cause_micros(engine)
    equity = kernel.accounting.equity_micros(engine) or 0
    own = kernel.accounting.own_equity_micros(engine) or 0
    today = own - record.day_start_equity_micros if record.day >= 0 else 0
    return rows.EngineCard(
        id=engine,
        title=TITLES[engine],
        status=record.status,
        mode=kernel.mode,
        capital_usd=usd(equity),
        pnl_today_usd=usd(today),
        pnl_usd=usd(sum(causes.values())),
        trades=desk.book.trades,
        pnl_by_cause={cause: usd(micros) for cause, micros in causes.items()},
        positions=positions(kernel, engine),
        max_drawdown_usd=usd(desk.book.max_drawdown_micros),
        status_reason="the kill switch is on: only exits pass" if kernel.kill is not None else "",
        entries_allowed=desk.entries_allowed,
        config=_flat_config(kernel.engines[engine].config),
    )


def _flat_config(config: Any) -> dict[str, str | float | int | bool | None]:
    plain = msgspec.to_builtins(config)
    return {key: value for key, value in plain.items() if isinstance(value, str | int | float | bool)}


def positions(kernel: Kernel, engine: EngineId) -> tuple[rows.Position, ...]:
    """Perps, spot lots and collateral of one engine."""
    book = kernel.desks[engine].book
    held = [_perp(kernel, engine, instrument) for instrument in book.perps]
    held += [_lot(kernel, engine, position_id) for position_id in book.lots]
    held += [_collateral(kernel, engine, key, atoms) for key, atoms in book.collateral.items() if atoms]
    return tuple(held)


def _perp(kernel: Kernel, engine: EngineId, name: str) -> rows.Position:
    position = kernel.desks[engine].book.perps[name]
    instrument, oracle = kernel.universe.instruments[name], kernel.view.oracle(name)
    size = position.base_atoms / power_of_ten(instrument.base_decimals)
    cash = position.quote_atoms / power_of_ten(instrument.quote_decimals)
    mark = instrument.price(oracle.px) if oracle is not None else None
    account = book_account(kernel.desks[engine].book, position.venue, kernel.view)
    liquidation = liquidation_px(account, name) if not isinstance(account, str) else None
    return rows.Position(
        id=name,
        engine=engine,
        kind="perp",
        instrument=name,
        venue=position.venue,
        size=size,
        entry_price=abs(cash / size) if size else None,
        mark_price=mark,
        value_usd=abs(size) * mark if mark is not None else None,
        pnl_usd=size * mark + cash if mark is not None else None,
        funding_usd=position.funding_received_atoms / power_of_ten(instrument.quote_decimals),
        liq_price=instrument.price(liquidation) if liquidation is not None else None,
        opened_ts=position.opened_ns // NS_PER_MS,
    )


def _lot(kernel: Kernel, engine: EngineId, position_id: str) -> rows.Position:
    lot, view, assets = kernel.desks[engine].book.lots[position_id], kernel.view, kernel.universe.assets
    size = lot.atoms / power_of_ten(assets[lot.asset].decimals)
    cost = lot.cost_atoms / power_of_ten(assets[lot.cost_asset].decimals)
    value, paid = view.usd_micros(lot.asset, lot.atoms), view.usd_micros(lot.cost_asset, lot.cost_atoms)
    return rows.Position(
        id=position_id,
        engine=engine,
        kind="spot",
        instrument=lot.instrument,
        venue="wallet",
        size=size,
        entry_price=cost / size if size else None,
        mark_price=view.mid(lot.instrument),
        value_usd=usd(value) if value is not None else None,
        pnl_usd=usd(value - paid) if value is not None and paid is not None else None,
        opened_ts=lot.opened_ns // NS_PER_MS,
    )


def _collateral(kernel: Kernel, engine: EngineId, key: str, atoms: int) -> rows.Position:
    venue, asset = key.split(":", 1)
    value = kernel.view.usd_micros(asset, atoms)
    return rows.Position(
        id=f"{engine}:{key}",
        engine=engine,
        kind="collateral",
        instrument=asset,
        venue=venue,
        size=atoms / power_of_ten(kernel.universe.assets[asset].decimals),
        value_usd=usd(value) if value is not None else None,
    )


def vault_update(kernel: Kernel) -> frames.VaultUpdate | None:
    """Balances and equity; None until every engine's holdings have a price."""
    equities = [kernel.accounting.equity_micros(engine) for engine in kernel.engines]
    if None in equities:
        return None
    total = sum(equity or 0 for equity in equities)
    results = [sum(kernel.accounting.pnl_by_cause_micros(engine).values()) for engine in kernel.engines]
    days = _pnl_days(kernel)
    return frames.VaultUpdate(
        balances=balances(kernel),
        equity=equity_point(kernel, total),
        pnl_today_usd=sum(sum(day.causes.values()) for day in days),
        pnl_usd=usd(sum(results)),
        pnl_days=days,
    )


def equity_point(kernel: Kernel, total_micros: int) -> rows.EquityPoint:
    """Equity now, beside the same start held as SOL or jitoSOL."""
    start, sol, pool = kernel.benchmark, kernel.view.usd_price("SOL"), kernel.view.stake_pool("jitoSOL")
    hold_sol = hold_jitosol = None
    if start.start_equity_micros and sol is not None:
        hold_sol = usd(start.start_equity_micros) * sol / start.start_sol_usd
        if pool is not None and start.start_jitosol_rate:
            hold_jitosol = hold_sol * (pool.total_lamports / pool.supply_atoms) / start.start_jitosol_rate
    return rows.EquityPoint(
        ts=kernel.view.now_ns // NS_PER_MS,
        equity_usd=usd(total_micros),
        hold_sol_usd=hold_sol,
        hold_jitosol_usd=hold_jitosol,
    )


def _pnl_days(kernel: Kernel) -> tuple[rows.PnlDay, ...]:
    day = kernel.view.now_ns // NS_PER_DAY
    name = datetime.fromtimestamp(day * NS_PER_DAY // NS_PER_SECOND, UTC).strftime("%Y-%m-%d")
    return tuple(
        rows.PnlDay(
            day=name,
            engine=kernel.desks[engine].engine,
            causes={cause: usd(micros - record.day_start_pnl_micros.get(cause, 0)) for cause, micros in causes.items()},
        )
        for engine, record in kernel.records.items()
        if (causes := kernel.accounting.pnl_by_cause_micros(engine))
    )


def balances(kernel: Kernel) -> tuple[rows.VaultBalance, ...]:
    """What every engine holds of every asset, by bucket."""
    vault, view, found = kernel.vault, kernel.view, []
    for engine in kernel.engines:
        for asset, atoms in vault.engine_assets(engine).items():
            scale, value = power_of_ten(kernel.universe.assets[asset].decimals), view.usd_micros(asset, atoms)
            found.append(
                rows.VaultBalance(
                    engine=engine,
                    asset=asset,
                    available=vault.available(engine, asset) / scale,
                    reserved=vault.reserved(engine, asset) / scale,
                    deployed=vault.deployed(engine, asset) / scale,
                    value_usd=usd(value) if value is not None else None,
                )
            )
    return tuple(found)
