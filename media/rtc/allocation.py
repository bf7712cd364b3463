"""Which layer of each camera a viewer is sent: what fits its tile, and all of them what fits the path. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Demand", "allocate", "layer_for_viewport"]

ENOUGH = 0.7
"""A layer of so large a part of a tile's size is as good: enlarged by less than half, few see it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One slot that shows a camera.

    Attributes:
        rates: bit/s of each layer, the least first.
        sizes: width and height of each.
        viewport: width and height of the tile in device pixels; None where the viewer did not say; (0, 0) hidden.
    """

    rates: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    viewport: tuple[int, int] | None

    @property
    def area(self) -> int:
        """Of the tile; of an unknown one, that of an ordinary one."""
        return 640 * 360 if self.viewport is None else self.viewport[0] * self.viewport[1]


def layer_for_viewport(demand: Demand) -> int | None:
    """The least layer that fills the tile, or the greatest; None for a tile that is hidden."""
    if demand.area == 0:
        return None
    if demand.viewport is None:
        return len(demand.sizes) - 1
    width, height = demand.viewport
    for index, (wide, high) in enumerate(demand.sizes):
        if wide >= width * ENOUGH or high >= height * ENOUGH:
            return index
    return len(demand.sizes) - 1


def allocate(demands: Sequence[Demand], budget: int) -> list[int | None]:
    """Gives each slot a layer, so that all together fit.

    Everybody is given the least first, the largest tile before the others; then the tiles are raised in the same
    order, one layer at a time, as far as they fill them. The largest tile has its least layer even beyond the
    budget: a viewer who is shown nothing can measure nothing.

    Args:
        demands: of the slots.
        budget: bit/s in all.

    Returns:
        For each slot the index of its layer, None for nothing.
    """
    most = [layer_for_viewport(demand) for demand in demands]
    order = sorted((i for i, layer in enumerate(most) if layer is not None), key=lambda i: -demands[i].area)
    given: list[int | None] = [None] * len(demands)
    left = budget
    for index in order:
        rate = demands[index].rates[0]
        if rate <= left or index == order[0]:
            given[index] = 0
            left -= rate
    raised = True
    while raised:
        raised = False
        for index in order:
            layer, highest = given[index], most[index]
            if layer is None or highest is None or layer >= highest:
                continue
            more = demands[index].rates[layer + 1] - demands[index].rates[layer]
            if more <= left:
                given[index] = layer + 1
                left -= more
                raised = True
    return given
