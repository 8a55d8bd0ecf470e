"""scipy's bounded Brent for one cycle's input, and CFMMRouter's dual over all pools by L-BFGS-B.

``scipy_routes.py FILE``. FILE is JSON: ``cycles``, each {"limit", "hops"}, a hop a list of segments
[capacity, rate, depth] that pay rate·x/(1 + depth·x); ``market``: segments [token sold, token bought, capacity, rate,
depth], tokens by number; ``worth`` of each token's atom; ``bases``, numbers. Prints JSON: version, seconds and profit
of each cycle, seconds, total and success of the dual. Seconds are CPU time.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# The peer is installed only in its own environment.

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar


def brent(cycle: dict[str, Any]) -> tuple[float, float]:
    """Seconds and profit of the best input found between nothing and the limit."""

    def loss(amount: float) -> float:
        left = amount
        for hop in cycle["hops"]:
            paid = 0.0
            for capacity, rate, depth in hop:
                part = min(left, capacity)
                paid += rate * part / (1.0 + depth * part)
                left -= part
                if left <= 0.0:
                    break
            left = paid
        return amount - left

    start = process_time()
    found = minimize_scalar(loss, bounds=(0.0, cycle["limit"]), method="bounded", options={"xatol": 1.0})
    return process_time() - start, -float(found.fun)


def dual(market: list[list[float]], worth: list[float], bases: list[int]) -> tuple[float, float, bool]:
    """Seconds, what all cycles at once are worth, and success; begins at the fair prices.

    A segment at prices (p, q) of its tokens earns max over x of q·rate·x/(1 + depth·x) − p·x.
    """
    table = np.array(market)
    sold, bought = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    capacity, rate, depth = table[:, 2], table[:, 3], table[:, 4]
    fair = np.array(worth)
    with np.errstate(divide="ignore"):
        inverse = np.where(depth > 0.0, 1.0 / depth, np.inf)

    def total(logs: Any) -> tuple[float, Any]:
        price = fair * np.exp(logs)
        ratio = rate * price[bought] / price[sold]
        gains = ratio > 1.0
        amount = np.zeros(len(ratio))
        with np.errstate(invalid="ignore"):
            amount[gains] = np.minimum((np.sqrt(ratio[gains]) - 1.0) * inverse[gains], capacity[gains])
        paid = rate * amount / (1.0 + depth * amount)
        slope = np.bincount(bought, paid, len(fair)) - np.bincount(sold, amount, len(fair))
        return float(price @ slope), price * slope

    bounds = [(0.0 if token in bases else -1.0, 1.0) for token in range(len(fair))]
    start = process_time()
    found = minimize(
        lambda logs: tuple(part / 1e9 for part in total(logs)),
        np.zeros(len(fair)),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 2_000, "maxfun": 4_000},
    )
    return process_time() - start, float(found.fun) * 1e9, bool(found.success)


def main(path: str) -> None:
    """All cycles, then the whole market."""
    asked = json.loads(Path(path).read_bytes())
    cycles = [brent(cycle) for cycle in asked["cycles"]]
    whole = dual(asked["market"], asked["worth"], asked["bases"])
    print(json.dumps({"version": version("scipy"), "cycles": cycles, "dual": whole}))


if __name__ == "__main__":
    main(*sys.argv[1:])
