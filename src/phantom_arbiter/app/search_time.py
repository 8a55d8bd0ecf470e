"""How long the kernel takes from a pool's fact to its verdict: measured here, since the kernel has no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final

from msgspec import structs

from phantom_arbiter.core.events import Envelope, PoolAccountsRead, PoolUpdated
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.dashboard.arb_rows import ArbUpdate

MAX_TIMES: Final = 2_000
NS_PER_US: Final = 1_000
POOL_FACTS: Final = (PoolUpdated, PoolAccountsRead)

Step = Callable[[Envelope], Outcome | None]


class SearchTime:
    """The last 2,000 times of `Kernel.step` with a pool's fact."""

    def __init__(self, kernel: Kernel, clock_ns: Callable[[], int] = perf_counter_ns) -> None:
        self._kernel = kernel
        self._clock_ns = clock_ns
        self._times_ns: deque[int] = deque(maxlen=MAX_TIMES)

    def step_for(self, *, looked_at: bool) -> Step:
        """The step to use from now on: one that is measured while somebody looks and the engine searches. Where not,
        nothing is spent on it, and what was measured is forgotten."""
        if looked_at and self._kernel.records["arb"].status is EngineStatus.RUNNING:
            return self._measured_step
        self._times_ns.clear()
        return self._kernel.step

    def measured(self, page: ArbUpdate) -> ArbUpdate:
        """The page with the median and the 99th percentile, in microseconds."""
        times = sorted(self._times_ns)
        if not times:
            return page
        half, most = (times[len(times) * share // 100] / NS_PER_US for share in (50, 99))
        return structs.replace(page, search_us_p50=half, search_us_p99=most)

    def _measured_step(self, envelope: Envelope) -> Outcome | None:
        if type(envelope.body) not in POOL_FACTS:
            return self._kernel.step(envelope)
        began_ns = self._clock_ns()
        outcome = self._kernel.step(envelope)
        self._times_ns.append(self._clock_ns() - began_ns)
        return outcome
