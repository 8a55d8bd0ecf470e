"""The table of benchmarks: ratios, choices and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from benchmarks import NAMES, Result
from benchmarks.__main__ import main


def figure(*, same_result: bool = True) -> Result:
    return Result.compare("hop", "events/s", ours=300, peer="bus", peer_value=100, same_result=same_result)


@pytest.fixture
def benchmark_named_hop(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """A benchmark module ``hop``, and the results it will give."""
    results = [figure()]
    module = ModuleType("benchmarks.hop")
    module.run = lambda: results  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.hop", module)
    return results


@pytest.mark.parametrize(("unit", "ratio"), [("events/s", 3.0), ("ns", 1 / 3), ("MB", 1 / 3)])
def test_a_ratio_above_one_means_ours_is_better(unit: str, ratio: float) -> None:
    result = Result.compare("hop", unit, ours=300, peer="bus", peer_value=100, same_result=True)
    assert result.ratio == pytest.approx(ratio)


def test_results_that_differ_have_no_ratio() -> None:
    assert figure(same_result=False).ratio is None


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_figure_that_is_no_measurement_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"hop: peer_value is .*, a positive finite number was expected"):
        Result.compare("hop", "ns", ours=1.0, peer="bus", peer_value=value, same_result=True)


def test_the_results_are_printed_and_written(
    benchmark_named_hop: list[Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert main(["--only", "hop", "--json", str(file)], names=("hop", "other")) == 0
    assert "3.00×" in capsys.readouterr().out
    assert msgspec.json.decode(file.read_bytes(), type=list[Result]) == benchmark_named_hop
    assert set(msgspec.json.decode(file.read_bytes())[0]) == {
        "name",
        "unit",
        "ours",
        "peer",
        "peer_value",
        "ratio",
        "same_result",
    }


def test_a_result_unlike_the_peers_fails_the_run(
    benchmark_named_hop: list[Result], capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark_named_hop.append(figure(same_result=False))
    assert main([], names=("hop",)) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_an_unknown_name_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "kernl"], names=("kernel", "search")) == 2
    assert capsys.readouterr().err == "--only kernl: no such benchmark; the known ones are: kernel, search\n"


def test_every_listed_benchmark_exists() -> None:
    folder = Path(__file__).parents[3] / "benchmarks"
    assert [name for name in NAMES if not (folder / f"{name}.py").is_file()] == []
