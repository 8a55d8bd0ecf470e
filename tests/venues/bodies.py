"""Answers as the venues' documents have them."""

from __future__ import annotations

from typing import Any

DAY = 86_400


def stats_market(symbol: str = "SOL-PERP", **changes: Any) -> dict[str, Any]:
    """One market of ``/stats/markets``: percent an hour, as each side's profit."""
    market = {
        "symbol": symbol,
        "marketIndex": 0,
        "marketType": "perp",
        "baseAsset": symbol.removesuffix("-PERP"),
        "quoteAsset": "USDT",
        "status": "active",
        "precision": 9,
        "oraclePrice": "81.889579",
        "markPrice": "81.856150",
        "baseVolume": "389070.700000",
        "quoteVolume": "32153510.020148",
        "openInterest": {"long": "471252.73", "short": "-471093.53"},
        "fundingRate": {"long": "-0.001250", "short": "0.001250"},
        "fundingRate24h": "-0.001100",
        "fundingRateUpdateTs": 1_771_477_206,
        "price": "81.891500",
        "priceChange24h": "-3.054300",
        "priceChange24hPercent": "-3.60",
    }
    return market | changes


def stats(*markets: dict[str, Any]) -> dict[str, Any]:
    return {"success": True, "markets": list(markets or (stats_market(),))}


def hour(ts: int, rate: str = "-0.001024958", **changes: Any) -> dict[str, Any]:
    """One record of ``/market/SOL-PERP/fundingRates``: quote per base, TWAPs in quote."""
    record = {
        "ts": ts,
        "txSig": "P7PJz4E6Adxj",
        "slot": 410_361_551,
        "recordId": "29779",
        "marketIndex": 0,
        "symbol": "SOL-PERP",
        "fundingRate": rate,
        "fundingRateLong": rate,
        "fundingRateShort": rate,
        "cumulativeFundingRateLong": "44.373045417",
        "cumulativeFundingRateShort": "44.166845742",
        "oraclePriceTwap": "84.693889",
        "markPriceTwap": "84.652352",
        "periodRevenue": "-2063.302451",
        "baseAssetAmountWithAmm": "0.000000000",
        "baseAssetAmountWithUnsettledLp": "0.000000000",
    }
    return record | changes


def page(*records: dict[str, Any], next_page: int | None = None) -> dict[str, Any]:
    """Newest first, as the venue has it."""
    newest_first = sorted(records, key=lambda record: -record["ts"])
    return {"success": True, "records": newest_first, "meta": {"nextPage": next_page}}


def context(**changes: Any) -> dict[str, Any]:
    """A market's state in Hyperliquid's ``metaAndAssetCtxs``; funding is a fraction an hour."""
    state = {
        "dayNtlVlm": "312345678.9",
        "funding": "0.0000125",
        "impactPxs": ["81.85", "81.86"],
        "markPx": "81.856",
        "midPx": "81.8555",
        "openInterest": "4212345.67",
        "oraclePx": "81.889",
        "premium": "0.00031774",
        "prevDayPx": "84.94",
    }
    return state | changes


def universe(*names: str, delisted: tuple[str, ...] = ()) -> dict[str, Any]:
    assets = [{"name": name, "szDecimals": 2, "maxLeverage": 20, "marginTableId": 20} for name in names]
    gone = [{"name": name, "szDecimals": 2, "maxLeverage": 3, "isDelisted": True} for name in delisted]
    return {"universe": assets + gone, "marginTables": []}
