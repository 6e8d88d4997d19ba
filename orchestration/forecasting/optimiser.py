"""Finds the parameters at which a smooth function of a few positive numbers is greatest.

Quasi-Newton (BFGS) from a given start, by the function's own gradient: the same calls give the same bits. Each
parameter stays inside its bounds, because the search runs over where its logarithm lies between them, on a logistic
scale. What is maximised does not belong here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, ...]
Bounds = Sequence[tuple[float, float]]
Function = Callable[[Point], tuple[float, Point]]

FLAT = 1e-10
ALMOST_FLAT = 1e-6
MOST_STEPS = 200
SHORTEST_STEP = 2.0**-40
LONGEST_STEP = 1.0
FARTHEST = 30.0


@dataclass(frozen=True)
class Optimum:
    """Where the search ended; not converged if the function still rose there."""

    point: Point
    value: float
    is_converged: bool


def maximise(function: Function, *, start: Point, bounds: Bounds) -> Optimum:
    """The best point found from `start`; `function` gives its value and gradient, both of about the size of 1."""
    place = [_place(value, *limits) for value, limits in zip(start, bounds, strict=True)]
    value, slope = _evaluate(function, place, bounds)
    curvature = _identity(len(place))
    for _ in range(MOST_STEPS):
        if _size(slope) < FLAT:
            break
        step = _product(curvature, slope)
        if _dot(step, slope) <= 0:
            curvature, step = _identity(len(place)), slope
        found = _climb(function, place, value, slope, _shortened(step), bounds)
        if found is None:
            break
        moved, value, new_slope = found
        curvature = _updated(curvature, _minus(moved, place), _minus(slope, new_slope))
        place, slope = moved, new_slope
    return Optimum(_point(place, bounds), value, _size(slope) < ALMOST_FLAT)


def _climb(
    function: Function, place: list[float], value: float, slope: list[float], step: list[float], bounds: Bounds
) -> tuple[list[float], float, list[float]] | None:
    """The first point along the step, halved as often as needed, that is higher by a fair part of what the slope
    promises."""
    share = 1.0
    while share > SHORTEST_STEP:
        moved = [max(-FARTHEST, min(FARTHEST, here + share * there)) for here, there in zip(place, step, strict=True)]
        new_value, new_slope = _evaluate(function, moved, bounds)
        gain = new_value - value
        if math.isfinite(new_value) and gain > 0 and gain >= 1e-4 * share * _dot(slope, step):
            return moved, new_value, new_slope
        share /= 2
    return None


def _updated(curvature: list[list[float]], moved: list[float], flattened: list[float]) -> list[list[float]]:
    """The inverse of the curvature, corrected by what one step has shown (Broyden, Fletcher, Goldfarb, Shanno)."""
    bend = _dot(moved, flattened)
    if bend <= 1e-12 * _size(moved) * _size(flattened):
        return curvature
    turned = _product(curvature, flattened)
    stretch = (1 + _dot(flattened, turned) / bend) / bend
    size = range(len(moved))
    return [
        [
            curvature[i][j] + stretch * moved[i] * moved[j] - (turned[i] * moved[j] + moved[i] * turned[j]) / bend
            for j in size
        ]
        for i in size
    ]


def _evaluate(function: Function, place: list[float], bounds: Bounds) -> tuple[float, list[float]]:
    point = _point(place, bounds)
    value, gradient = function(point)
    return value, [
        part * number * _width(limits) * _share(at) * _share(-at)
        for part, number, at, limits in zip(gradient, point, place, bounds, strict=True)
    ]


def _point(place: list[float], bounds: Bounds) -> Point:
    return tuple(limits[0] * math.exp(_width(limits) * _share(at)) for at, limits in zip(place, bounds, strict=True))


def _place(value: float, low: float, high: float) -> float:
    return math.log(math.log(value / low) / math.log(high / value))


def _width(limits: tuple[float, float]) -> float:
    return math.log(limits[1] / limits[0])


def _share(at: float) -> float:
    return 1 / (1 + math.exp(-at))


def _shortened(step: list[float]) -> list[float]:
    return [part * min(1.0, LONGEST_STEP / _size(step)) for part in step]


def _identity(size: int) -> list[list[float]]:
    return [[float(i == j) for j in range(size)] for i in range(size)]


def _product(matrix: list[list[float]], vector: list[float]) -> list[float]:
    return [_dot(row, vector) for row in matrix]


def _minus(one: list[float], other: list[float]) -> list[float]:
    return [left - right for left, right in zip(one, other, strict=True)]


def _dot(one: list[float], other: list[float]) -> float:
    return math.fsum(left * right for left, right in zip(one, other, strict=True))


def _size(vector: list[float]) -> float:
    return max(abs(part) for part in vector)
