"""Graph functions against networkx."""

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wann.kernels import graph


@st.composite
def graphs(draw):
    nodes = draw(st.integers(1, 12))
    ends = st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1))
    edges = draw(st.lists(ends.filter(lambda pair: pair[0] != pair[1]), max_size=40, unique=True))
    sources, targets = (np.array([edge[k] for edge in edges], np.int32) for k in (0, 1))
    return nodes, edges, sources, targets


@given(graphs())
def test_depths_are_longest_paths_or_minus_one_on_a_cycle(case):
    nodes, edges, sources, targets = case
    oracle = nx.DiGraph(edges)
    oracle.add_nodes_from(range(nodes))
    depth = graph.depths(nodes, sources, targets)
    if not nx.is_directed_acyclic_graph(oracle):
        assert (depth == -1).all()
        return
    for node in range(nodes):
        ancestors = oracle.subgraph(nx.ancestors(oracle, node) | {node})
        assert depth[node] == nx.dag_longest_path_length(ancestors)


@given(graphs(), st.integers(0, 11))
def test_feeding_marks_the_ancestors(case, wanted):
    nodes, edges, sources, targets = case
    oracle = nx.DiGraph(edges)
    oracle.add_nodes_from(range(nodes))
    depth = graph.depths(nodes, sources, targets)
    if wanted >= nodes or depth[0] < 0:
        return
    reached = np.zeros(nodes, np.bool_)
    reached[wanted] = True
    order = np.argsort(depth[targets], kind="stable")
    marked = graph.feeding(reached, order, sources, targets)
    assert set(np.flatnonzero(marked)) == nx.ancestors(oracle, wanted) | {wanted}


@given(st.lists(st.integers(-3, 40), max_size=60))
def test_the_order_of_keys_is_ascending_and_stable(keys):
    array = np.array(keys, np.int32)
    assert graph.ordered(array).tolist() == np.argsort(array, kind="stable").tolist()


@given(
    st.lists(st.integers(0, 10**7), min_size=1, max_size=30, unique=True).map(sorted),
    st.lists(st.integers(0, 10**7), max_size=30),
)
def test_positions_are_found_whether_ids_lie_close_or_far_apart(ids, wanted):
    wanted += ids[::3]
    for shift in (1, 1000):  # dense ids use a table, sparse ones a search
        few = sorted({value // shift for value in ids})
        asked = [value // shift for value in wanted]
        found = graph.positions_of(np.array(few, np.int32), np.array(asked, np.int32))
        assert found.tolist() == [few.index(value) if value in few else -1 for value in asked]
