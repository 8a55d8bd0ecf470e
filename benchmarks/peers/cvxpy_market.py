"""All cycles of a market at once as one convex program: cvxpy with its own solver, Clarabel.

``cvxpy_market.py FILE``. FILE is JSON as `scipy_routes.py` reads it: ``market``, segments [token sold, token bought,
capacity, rate, depth] that pay rate·x/(1 + depth·x); ``worth`` of each token's atom; ``bases``, numbers. Prints JSON:
version, CPU seconds of the solver with what cvxpy does around it, the worth of all that is left of the bases, and
whether the solver says that this is accurate. A depth of 0 is a constant price.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# The peer is installed only in its own environment.

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.sparse import csr_matrix

UNIT = 1e9
"""Amounts are in SOL's worth: in atoms the numbers are too far apart for a solver."""
MOST = 1e6
"""No more SOL's worth goes into any segment."""


def solved(market: list[list[float]], worth: list[float], bases: list[int]) -> tuple[float, float, bool]:
    """Seconds, lamports, accuracy."""
    table, fair = np.array(market), np.array(worth)
    sold, bought = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    capacity = np.minimum(table[:, 2] * fair[sold] / UNIT, MOST)
    rate, depth = table[:, 3] * fair[bought] / fair[sold], table[:, 4] * UNIT / fair[sold]
    flat = depth <= 0.0
    put, paid = cp.Variable(len(table), nonneg=True), cp.Variable(len(table))
    left = _sums(bought, len(fair)) @ paid - _sums(sold, len(fair)) @ put
    limits: list[Any] = [put <= capacity, left >= 0]
    if flat.any():
        limits.append(paid[flat] <= cp.multiply(rate[flat], put[flat]))
    if not flat.all():
        curved = 1 - cp.inv_pos(1 + cp.multiply(depth[~flat], put[~flat]))
        limits.append(paid[~flat] <= cp.multiply(rate[~flat] / depth[~flat], curved))
    counted = np.isin(np.arange(len(fair)), bases).astype(float)
    problem = cp.Problem(cp.Maximize(counted @ left), limits)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may be inaccurate is told in the answer
        problem.solve(solver=cp.CLARABEL)
    return process_time() - start, float(problem.value) * UNIT, problem.status == cp.OPTIMAL


def _sums(tokens: Any, count: int) -> Any:
    """The matrix that sums segments by token."""
    return csr_matrix((np.ones(len(tokens)), (tokens, np.arange(len(tokens)))), (count, len(tokens)))


def main(path: str) -> None:
    """The whole market."""
    asked = json.loads(Path(path).read_bytes())
    market = solved(asked["market"], asked["worth"], asked["bases"])
    print(json.dumps({"version": version("cvxpy"), "market": market}))


if __name__ == "__main__":
    main(*sys.argv[1:])
