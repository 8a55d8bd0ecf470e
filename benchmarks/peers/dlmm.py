"""PyPI's meteora-dlmm, asked what ours is asked: ``python dlmm.py FOLDER FILE``, as `quotes.mjs` for the kind
meteora_dlmm. FOLDER holds the unpacked wheel."""

# mypy: disable-error-code="import-not-found, no-any-return"
# The peer is not installed: it lies in FOLDER.

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

PASS_SECONDS = 1.5


def prepared(sdk: Any, case: dict[str, Any]) -> Callable[[], int | None]:
    """The case's quote, ready to be called: the output in atoms, None where the swap is not filled."""
    arrays = [b64decode(text) for text in case["arrays"]]
    pool = sdk.PoolState.from_accounts(
        b64decode(case["pair"]), arrays, 9, 6, lb_pair_key=bytes(range(32)), exhaustive=True
    )
    amount, x_to_y, clock, quote = int(case["amount"]), case["zeroForOne"], case["unixTimeS"], sdk.quote

    def call() -> int | None:
        answer = quote(pool, amount, x_to_y, timestamp=clock)
        return None if answer.remaining_in else answer.amount_out

    return call


def best_pass(calls: list[Callable[[], int | None]]) -> float:
    """Seconds of the fastest pass over all calls."""
    best, end = float("inf"), perf_counter() + PASS_SECONDS
    while perf_counter() < end:
        start = perf_counter()
        for call in calls:
            call()
        best = min(best, perf_counter() - start)
    return best


def main(folder: str, file: str) -> None:
    """Answer the file's cases."""
    sys.path.insert(0, folder)
    import meteora_dlmm

    asked = json.loads(Path(file).read_text())
    calls = [prepared(meteora_dlmm, case) for case in asked["cases"]]
    outs = [call() for call in calls]
    seconds = best_pass([call for call, out in zip(calls, outs, strict=True) if out is not None])
    print(
        json.dumps(
            {
                "peer": "PyPI meteora-dlmm 0.5.0",
                "outs": [None if out is None else str(out) for out in outs],
                "seconds": seconds if asked["timed"] else None,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
