"""Prometheus metrics, read from the port when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from phantom_arbiter.dashboard.port import DashboardPort


class PortCollector(Collector):
    """Engines, money and clients as gauges; amounts in USD."""

    def __init__(self, port: DashboardPort, clients: Callable[[], int]) -> None:
        self._port = port
        self._clients = clients

    def collect(self) -> Iterable[Metric]:
        """Read everything once."""
        status = GaugeMetricFamily("phantom_engine_status", "1 for the status it has", labels=["engine", "status"])
        pnl = GaugeMetricFamily("phantom_engine_pnl_usd", "P&L since the start, by cause", labels=["engine", "cause"])
        trades = CounterMetricFamily("phantom_engine_trades", "Trades since the start", labels=["engine"])
        for card in self._port.engines().engines:
            status.add_metric([card.id, card.status.value], 1)
            trades.add_metric([card.id], card.trades)
            for cause, usd in card.pnl_by_cause.items():
                pnl.add_metric([card.id, cause], usd)
        yield from (status, pnl, trades)
        yield from self._money()
        clients = GaugeMetricFamily("phantom_dashboard_clients", "Authenticated WebSocket clients")
        clients.add_metric([], self._clients())
        healthy = GaugeMetricFamily("phantom_healthy", "1 where a check passes", labels=["check"])
        for check in self._port.health().checks:
            healthy.add_metric([check.name], check.ok)
        yield from (clients, healthy)

    def _money(self) -> Iterable[Metric]:
        vaults = self._port.vaults()
        equity = GaugeMetricFamily("phantom_equity_usd", "Equity of all engines")
        if vaults.equity is not None:
            equity.add_metric([], vaults.equity.equity_usd)
        amount = GaugeMetricFamily("phantom_vault_amount", "Whole units", labels=["engine", "asset", "state"])
        for balance in vaults.balances:
            amount.add_metric([balance.engine, balance.asset, "available"], balance.available)
            amount.add_metric([balance.engine, balance.asset, "reserved"], balance.reserved)
            amount.add_metric([balance.engine, balance.asset, "deployed"], balance.deployed)
        yield from (equity, amount)


def metrics_registry(port: DashboardPort, clients: Callable[[], int]) -> CollectorRegistry:
    """A registry of its own with the port's metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PortCollector(port, clients))
    return registry
