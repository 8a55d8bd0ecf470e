"""The graph of `route_graph.py` as a compiled function sees it, in the arena it was handed.

All is inlined: a field that a function does not use costs it nothing.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic, overload, register_jitable
from numba.np.arrayobj import make_array, populate_array

from phantom_arbiter.dex.route_graph import INLINED, UNCOUNTED, table, unpacked


@intrinsic  # type: ignore[untyped-decorator,unused-ignore]
def _view(_: Any, flat: Any, start: Any, rows: Any, columns: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    """A two-dimensional view of a flat array. `reshape` gives the same, but what it checks takes as long as a
    search where a whole graph is unpacked."""
    table_type = flat.copy(ndim=2)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        source, first, *shape = arguments
        array, view = make_array(flat)(context, builder, source), make_array(table_type)(context, builder)  # type: ignore[no-untyped-call]
        strides = [builder.mul(shape[1], array.itemsize), array.itemsize]
        populate_array(view, builder.gep(array.data, [first]), shape, strides, array.itemsize, array.meminfo)  # type: ignore[no-untyped-call]
        return view._getvalue()

    return table_type(flat, types.intp, types.intp, types.intp), generate


@overload(table, jit_options=UNCOUNTED)  # type: ignore[arg-type]
def _table(flat: Any, start: Any, end: Any, columns: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    def rows(flat: Any, start: Any, end: Any, columns: Any) -> Any:
        return (_view(flat, start, (end - start) // columns, columns),)  # type: ignore[call-arg]

    return rows


graph_of = register_jitable(**INLINED)(unpacked)
