"""A swap that was measured on a real program, and what ours answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal


class Case(NamedTuple):
    """``measured`` and ``answered`` are output atoms; None: refused."""

    label: str
    measured: int | None
    answered: int | None


def load(path: Path) -> Any:
    """The vectors of a file."""
    return json.loads(gzip.decompress(path.read_bytes()))


def answered(answer: SwapQuote | SwapRefusal) -> int | None:
    """Output atoms; None for a refusal."""
    return answer.amount_out_atoms if isinstance(answer, SwapQuote) else None


def measured(out: str | int | None) -> int | None:
    """Output atoms as the file tells them; None, "None" and absence are refusals."""
    return None if out in (None, "None") else int(out)
