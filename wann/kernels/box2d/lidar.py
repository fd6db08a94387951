"""A ray against the edges of the ground."""

from __future__ import annotations

from wann.kernels.box2d.broad_phase import edges_between
from wann.kernels.box2d.constants import ONE, ZERO
from wann.kernels.lanes import kernel


@kernel
def cast_ray(model, episode, x1, y1, x2, y2):
    """Share of the way from point 1 to point 2 (float32, m) at which the ground begins; 1 if it does not."""
    along_x, along_y = x2 - x1, y2 - y1
    first, last = edges_between(model, episode, min(x1, x2), max(x1, x2))
    rightwards = model.edge_spacing > ZERO and x1 <= x2
    nearest = ONE
    e = first - 1
    while e < last:
        e += 1
        edge = episode.edge[e]
        towards = edge.normal_x * along_x + edge.normal_y * along_y
        if towards == ZERO:
            continue
        share = (edge.normal_x * (edge.x1 - x1) + edge.normal_y * (edge.y1 - y1)) / towards
        if share < ZERO or nearest < share:
            continue
        # The ray meets the edge's line in front of what was found so far: does it meet the edge itself?
        edge_x, edge_y = edge.x2 - edge.x1, edge.y2 - edge.y1
        from_x, from_y = (x1 + share * along_x) - edge.x1, (y1 + share * along_y) - edge.y1
        place = (from_x * edge_x + from_y * edge_y) / (edge_x * edge_x + edge_y * edge_y)
        if place < ZERO or place > ONE:
            continue
        nearest = share
        if rightwards:  # then only the next edge, which has a point in common with this one, may be as near
            last = min(last, e + 1)
    return nearest
