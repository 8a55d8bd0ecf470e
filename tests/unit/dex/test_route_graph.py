import numpy as np

from phantom_arbiter.dex.route_graph import Ends, empty_graph, laid_out, packed, unpacked


def graph():
    """Bases 0 and 1, tokens 2 and 3; every field holds numbers of its own."""
    made = laid_out(empty_graph(2), [Ends(0, 1), Ends(0, 2), Ends(1, 2), Ends(2, 3), Ends(0, 2)], 4)
    made = made._replace(segments=np.zeros((7, 3)))
    for number, field in enumerate(made):
        field[...] = 1_000 * number + np.arange(field.size).reshape(field.shape)
    return made


def test_an_arena_holds_every_field_as_it_was():
    before = graph()
    after = unpacked(*packed(before))
    for name, one, other in zip(before._fields, before, after, strict=True):
        assert one.shape == other.shape, name
        assert one.dtype == other.dtype, name
        assert (one == other).all(), name


def test_the_fields_of_an_arena_are_views_of_it():
    arena = packed(graph())
    made = unpacked(*arena)
    made.curves[0, 0] = -1.0
    made.counts[0] = -1
    assert -1.0 in arena.floats
    assert -1 in arena.ints


def test_a_graph_without_pools_can_be_packed():
    assert len(unpacked(*packed(empty_graph(3))).curves) == 0
