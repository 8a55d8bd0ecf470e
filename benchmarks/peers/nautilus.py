"""nautilus_trader's backtest engine with four strategies on one instrument's quotes or bars.

Runs in the peer's environment: ``python nautilus.py PRICES KIND MODE``. PRICES is a file of int64 rows
(ts_ns, bid, ask) with prices at 1e6, KIND ``quotes`` or ``bars`` (a bar's four prices are the row's bid), MODE
``count`` for a timed run with strategies that count, or ``digest`` for a slower one that remembers what each of them
saw. Prints one line of JSON: version, seconds of CPU time, facts each strategy heard, digest of the bids or None.
"""

# mypy: disable-error-code="import-not-found, misc"
# The peer is installed only in its own environment.

from __future__ import annotations

import gc
import json
import sys
from array import array
from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

VERSION = version("nautilus_trader")
OLD = VERSION.startswith("1.")
if OLD:  # the Cython line; from 2.0 on the Rust one, with its own names
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import SOL, USDC
    from nautilus_trader.model.data import Bar, BarType, QuoteTick
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.config import StrategyConfig
    from nautilus_trader.trading.strategy import Strategy

    CONFIG = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    VENUE_OPTIONS: dict[str, Any] = {}
else:
    from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.common import LoggerConfig, LogLevel
    from nautilus_trader.execution import MakerTakerFeeModel
    from nautilus_trader.model import (
        AccountType,
        Bar,
        BarType,
        Currency,
        CurrencyPair,
        InstrumentId,
        Money,
        OmsType,
        Price,
        Quantity,
        QuoteTick,
        Symbol,
        Venue,
    )
    from nautilus_trader.trading import Strategy, StrategyConfig

    SOL, USDC = Currency.from_str("SOL"), Currency.from_str("USDC")
    # Without the level OFF as well it loses a third.
    LOGGING = LoggerConfig(stdout_level=LogLevel.OFF, bypass_logging=True)
    CONFIG = BacktestEngineConfig(logging=LOGGING, bypass_logging=True, run_analysis=False)
    VENUE_OPTIONS = {"fee_model": MakerTakerFeeModel(Decimal(0), Decimal(0))}

PAIR = InstrumentId.from_str("SOLUSDC.SIM")
BARS = BarType.from_str("SOLUSDC.SIM-1-SECOND-LAST-EXTERNAL")
STRATEGIES = 4


class Counting(Strategy):
    """Counts what it hears: the least a strategy can do."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.heard = 0
        self.kind = "quotes"

    def on_start(self) -> None:
        if self.kind == "bars":
            self.subscribe_bars(BARS)
        elif OLD:
            self.subscribe_quote_ticks(PAIR)
        else:
            self.subscribe_quotes(PAIR)

    def on_quote(self, quote: Any) -> None:  # noqa: ARG002 - the peer's signature
        self.heard += 1

    def on_bar(self, bar: Any) -> None:  # noqa: ARG002 - the peer's signature
        self.heard += 1

    on_quote_tick = on_quote  # its name before 2.0


class Recording(Counting):
    """Remembers every bid or close, in millionths."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.seen = array("q")

    def on_quote(self, quote: Any) -> None:
        self.heard += 1
        self.seen.append(round(quote.bid_price.as_double() * 1e6))

    def on_bar(self, bar: Any) -> None:
        self.heard += 1
        self.seen.append(round(bar.close.as_double() * 1e6))

    on_quote_tick = on_quote


def make_data(rows: Sequence[int], kind: str) -> list[Any]:
    """The peer's own objects, as it wants them."""
    size = Quantity(1.0, 3)

    def price(px: int) -> Price:
        return Price(px / 1e6, 6)

    each = zip(rows[::3], rows[1::3], rows[2::3], strict=True)
    if kind == "bars":
        return [Bar(BARS, price(bid), price(bid), price(bid), price(bid), size, ts, ts) for ts, bid, _ in each]
    return [QuoteTick(PAIR, price(bid), price(ask), size, size, ts, ts) for ts, bid, ask in each]


def make_engine(kind: str, strategy: type[Counting]) -> tuple[BacktestEngine, list[Counting]]:
    """An engine with one venue, one pair and the four strategies."""
    engine = BacktestEngine(CONFIG)
    engine.add_venue(Venue("SIM"), OmsType.NETTING, AccountType.CASH, [Money(1e6, USDC)], **VENUE_OPTIONS)
    engine.add_instrument(
        CurrencyPair(PAIR, Symbol("SOLUSDC"), SOL, USDC, 6, 3, Price(1e-6, 6), Quantity(1e-3, 3), 0, 0)
    )
    strategies = []
    for number in range(STRATEGIES):
        one = strategy(StrategyConfig(order_id_tag=f"{number:03}"))
        one.kind = kind
        engine.add_strategy(one)
        strategies.append(one)
    return engine, strategies


def main(path: str, kind: str, mode: str) -> None:
    """One run; everything but the run itself is outside of the clock."""
    rows = array("q", Path(path).read_bytes())
    engine, strategies = make_engine(kind, Counting if mode == "count" else Recording)
    engine.add_data(make_data(rows, kind))
    gc.collect()
    gc.freeze()
    start = process_time()
    engine.run()
    seconds = process_time() - start
    digests = {blake2b(one.seen.tobytes(), digest_size=16).hexdigest() for one in strategies if mode == "digest"}
    if len(digests) > 1:
        raise ValueError(f"the strategies saw different prices: {sorted(digests)}")
    heard = [one.heard for one in strategies]
    print(json.dumps({"version": VERSION, "seconds": seconds, "heard": heard, "digest": next(iter(digests), None)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
