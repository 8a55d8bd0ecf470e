"""A negative cycle by networkx or rustworkx. ``negative_cycle.py LIBRARY FILE``, in the library's own environment.

FILE is JSON: a list of graphs, each a list of [token sold, token bought, weight], weights −log of the net rate. Prints
JSON: version, and for each graph the seconds of CPU time without building it, and the tokens of the cycle or null.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# The peers are installed only in their own environments.

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any


def by_networkx(edges: list[Any]) -> tuple[float, list[str] | None]:
    """Bellman-Ford from SOL, which meets every token."""
    import networkx

    graph = networkx.DiGraph()
    graph.add_weighted_edges_from(edges)
    start = process_time()
    try:
        cycle = networkx.find_negative_cycle(graph, "SOL")
    except networkx.NetworkXError:
        cycle = None
    return process_time() - start, cycle


def by_rustworkx(edges: list[Any]) -> tuple[float, list[str] | None]:
    """The library's own search for a negative cycle."""
    import rustworkx

    graph = rustworkx.PyDiGraph()
    tokens = sorted({token for edge in edges for token in edge[:2]})
    places = dict(zip(tokens, graph.add_nodes_from(tokens), strict=True))
    graph.add_edges_from([(places[sold], places[bought], weight) for sold, bought, weight in edges])
    start = process_time()
    try:
        found = list(rustworkx.find_negative_cycle(graph, float))
    except ValueError:
        return process_time() - start, None
    seconds = process_time() - start
    return seconds, [tokens[place] for place in (found if found[0] == found[-1] else [*found, found[0]])]


def main(library: str, path: str) -> None:
    """One answer for each graph."""
    search = {"networkx": by_networkx, "rustworkx": by_rustworkx}[library]
    answers = [search(edges) for edges in json.loads(Path(path).read_bytes())]
    print(json.dumps({"version": version(library), "answers": answers}))


if __name__ == "__main__":
    main(*sys.argv[1:])
