"""What is common and what is rare: draws where the first of a list comes often and the last hardly ever."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

Thing = TypeVar("Thing")
BITS = 12
_PLACES = 1 << BITS


def spread(things: Sequence[Thing], exponent: float = 1.0) -> tuple[Thing, ...]:
    """A table to draw from with ``getrandbits(BITS)``, in which a thing's share falls with its rank to the ``exponent``.

    One look-up is several times as fast as `random.choices`, and millions are needed. Raises ValueError for nothing to draw.
    """
    return weighed(things, ranks(len(things), exponent))


def weighed(things: Sequence[Thing], weights: Sequence[float]) -> tuple[Thing, ...]:
    """A table as that of `spread`, with a weight for each thing. Raises ValueError for nothing to draw."""
    if not things:
        raise ValueError("nothing to draw from")
    total = sum(weights)
    table: list[Thing] = []
    for thing, reached in zip(things, accumulate(weights), strict=True):
        table += [thing] * (round(_PLACES * reached / total) - len(table))
    return tuple(table)


def ranks(count: int, exponent: float) -> list[float]:
    """The weights of ``count`` things by their rank: Zipf's law for an ``exponent`` of one."""
    return [1 / rank**exponent for rank in range(1, count + 1)]
