"""core.streams: the values, their independence, and the counter as the whole state."""

from statistics import fmean, pstdev

import pytest

from phantom_arbiter.core.streams import Stream


def splitmix64(state: int, count: int) -> list[int]:
    """The published generator, with its state carried along."""
    values, mask = [], 2**64 - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        values.append(z ^ (z >> 31))
    return values


def test_output_is_splitmix64_of_the_key() -> None:
    stream = Stream(7, "fills")
    assert [stream.next_u64() for _ in range(5)] == splitmix64(stream._key, 5)
    # The reference implementation's first outputs for state 0.
    assert splitmix64(0, 2) == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_counter_is_the_whole_state() -> None:
    first = Stream(7, "fills")
    for _ in range(3):
        first.normal()
    second = Stream(7, "fills", first.counter)
    assert first.counter == 6
    assert [first.below(1000) for _ in range(20)] == [second.below(1000) for _ in range(20)]


@pytest.mark.parametrize("other", [Stream(8, "fills"), Stream(7, "delays")])
def test_seed_and_name_make_another_stream(other: Stream) -> None:
    stream = Stream(7, "fills")
    assert {stream.next_u64() for _ in range(100)}.isdisjoint({other.next_u64() for _ in range(100)})


def test_distributions() -> None:
    stream = Stream(1, "distributions")
    uniforms = [stream.uniform() for _ in range(20_000)]
    normals = [stream.normal() for _ in range(20_000)]
    assert 0.0 <= min(uniforms) < max(uniforms) < 1.0
    assert fmean(uniforms) == pytest.approx(0.5, abs=0.01)
    assert fmean(normals) == pytest.approx(0.0, abs=0.03)
    assert pstdev(normals) == pytest.approx(1.0, abs=0.03)
    assert sum(stream.chance(250_000) for _ in range(20_000)) == pytest.approx(5_000, abs=300)
    assert {stream.below(3) for _ in range(100)} == {0, 1, 2}


def test_chance_at_the_ends() -> None:
    stream = Stream(1, "ends")
    assert not any(stream.chance(0) for _ in range(1_000))
    assert all(stream.chance(1_000_000) for _ in range(1_000))


def test_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="n: got 0"):
        Stream(1, "x").below(0)
    with pytest.raises(ValueError, match="counter of stream 'x': got -1"):
        Stream(1, "x", -1)
