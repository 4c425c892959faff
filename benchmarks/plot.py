"""A plot as SVG text: lines over a number of subscribers, on a scale of tens so that small costs show."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 20, 50
COLOURS = ("#b3261e", "#e08a00", "#1f5fa8", "#4a9d5b")


class Series(msgspec.Struct, frozen=True):
    """One line: its name, and its points from left to right."""

    name: str
    points: list[tuple[float, float]]


def plot(across: str, up: str, series: Sequence[Series]) -> str:
    """Return the drawing; `across` and `up` name the axes."""
    scale = _Scale(series)
    font = 'font-family="sans-serif" font-size="12"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    parts += _grid(scale, sorted({x for each in series for x, _ in each.points}))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{across}</text>')
    turned = f'transform="rotate(-90 16 {HEIGHT / 2})"'
    parts.append(f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" {turned}>{up}</text>')
    for number, each in enumerate(series):
        parts += _line(scale, each, COLOURS[number % len(COLOURS)], TOP + 16 + 20 * number)
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    def __init__(self, series: Sequence[Series]) -> None:
        values = [y for each in series for _, y in each.points]
        self.low, self.high = floor(log10(min(values))), ceil(log10(max(values)))
        self._most = max(x for each in series for x, _ in each.points)

    def x(self, value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self._most, 1)

    def y(self, value: float) -> float:
        part = (log10(value) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part, 1)


def _grid(scale: _Scale, columns: Sequence[float]) -> list[str]:
    parts = []
    for exponent in range(scale.low, scale.high + 1):
        y = scale.y(10**exponent)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{10**exponent:,}</text>')
    for column in columns:
        x = scale.x(column)
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{column:,.0f}</text>')
    return parts


def _line(scale: _Scale, series: Series, colour: str, beside: float) -> list[str]:
    points = [(scale.x(x), scale.y(y)) for x, y in series.points]
    path = " ".join(f"{x},{y}" for x, y in points)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
    start = WIDTH - RIGHT + 14
    parts.append(f'<path d="M{start} {beside}h18" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<text x="{start + 24}" y="{beside + 4}">{series.name}</text>')
    return parts
