"""The peer of `arb_split`'s bound: the dual by scipy's L-BFGS-B, all pools at once in numpy. ``convex_dual.py FILE``.

FILE holds JSON: ``pools`` as (token in, token out, a, b, c) for each direction of a pool that pays a·x/(b + c·x),
``prices`` to start from, ``floors`` that they may not fall below. Prints the bound, its CPU seconds, the version.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import minimize


def main() -> None:
    """Solve the instance once."""
    given = json.loads(Path(sys.argv[1]).read_bytes())
    rows = np.array(given["pools"])
    token_in, token_out = rows[:, 0].astype(int), rows[:, 1].astype(int)
    a, b, c = rows[:, 2:].T
    first = np.array(given["prices"])

    def dual(logs: np.ndarray) -> tuple[float, np.ndarray]:
        prices = np.exp(logs)
        price_in, price_out = prices[token_in], prices[token_out]
        amount_in = np.maximum(0.0, (np.sqrt(a * b * price_out / price_in) - b) / c)
        amount_out = a * amount_in / (b + c * amount_in)
        left = np.bincount(token_out, amount_out, len(first)) - np.bincount(token_in, amount_in, len(first))
        return float(np.sum(price_out * amount_out - price_in * amount_in)) / given["unit"], left * prices / given[
            "unit"
        ]

    floors = np.log(np.array(given["floors"]))
    begin = time.process_time()
    found = minimize(
        dual,
        np.log(first),
        jac=True,
        method="L-BFGS-B",
        bounds=[(floor, None) for floor in floors],
        options={"maxiter": 5_000, "maxfun": 10_000, "ftol": 1e-12, "gtol": 1e-9},
    )
    seconds = time.process_time() - begin
    print(json.dumps({"bound": found.fun * given["unit"], "seconds": seconds, "version": scipy.__version__}))


if __name__ == "__main__":
    main()
