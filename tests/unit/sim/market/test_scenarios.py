"""sim.market.scenarios: names and shapes."""

import numpy as np
import pytest

from phantom_arbiter.sim.market.scenarios import SCENARIOS, scenario_named, shape

NAMES = "calm volatile no-edge funding-flip lst-depeg flash-crash rug venue-pause squeeze feed-outage"


def test_names() -> None:
    assert " ".join(SCENARIOS) == NAMES
    assert all(scenario_named(name).name == name for name in SCENARIOS)
    with pytest.raises(ValueError, match="scenario: got 'quiet', expected one of calm, volatile"):
        scenario_named("quiet")


def test_spans_are_whole_minutes() -> None:
    for scenario in SCENARIOS.values():
        spans = [span for span in (scenario.perp_paused, scenario.feeds_down) if span is not None]
        assert all(at % 60 == 0 for span in [*spans, tuple(scenario.rugs.values())] for at in span)


def test_shape_is_straight_between_knots() -> None:
    seconds = np.array([0.0, 60.0, 90.0, 500.0])
    assert shape(((60, 0.0), (120, -10.0)), seconds).tolist() == [0.0, 0.0, -5.0, -10.0]
    assert shape((), seconds).tolist() == [0.0] * 4
