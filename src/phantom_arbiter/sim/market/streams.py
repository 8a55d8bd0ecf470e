"""Random numbers by the block: any minute of any process can be drawn again from (seed, name, block)."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phantom_arbiter.core.units import SLOT_NS

FloatArray = NDArray[np.float64]

BLOCK_SLOTS: Final = 150
BLOCK_SECONDS: Final = 60
SLOT_SECONDS: Final = BLOCK_SECONDS / BLOCK_SLOTS
BLOCK_NS: Final = BLOCK_SLOTS * SLOT_NS
SLOTS_PER_HOUR: Final = 60 * BLOCK_SLOTS


def generator(seed: int, name: str, block: int) -> np.random.Generator:
    """The generator of process ``name`` in ``block``: Philox keyed by the hash of seed and name, and the block."""
    key = int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")
    return np.random.Generator(np.random.Philox(key=np.array([key, block], dtype=np.uint64)))


def ou_step(values: FloatArray, sd: float | FloatArray, tau_seconds: float, normals: FloatArray) -> FloatArray:
    """One block of an Ornstein-Uhlenbeck process around 0, exactly: standard deviation ``sd``, memory ``tau``."""
    keep = float(np.exp(-BLOCK_SECONDS / tau_seconds))
    return keep * values + sd * float(np.sqrt(1.0 - keep * keep)) * normals


_RAMP: Final = (np.arange(BLOCK_SLOTS) + 1.0) / BLOCK_SLOTS


def between(first: FloatArray, last: FloatArray) -> FloatArray:
    """Rows of a block's slots on the straight line from ``first`` (the end of the block before) to ``last``."""
    return first[:, None] + (last - first)[:, None] * _RAMP[None, :]
