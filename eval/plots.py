"""Plots as inline SVG: no library, no script, readable in light and dark.

Every function returns one `<svg>` element. Colours come from the page's CSS
classes `s0` to `s7` (`series`), so that a system looks the same everywhere;
after eight systems the colours begin again, hollow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

COLOURS: Final = 8
_WIDTH: Final = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 20, 16, 46
# Labels beside a figure have room for this many characters of about this many pixels.
_LABEL: Final = 22
_CHARACTER: Final = 7.2


@dataclass(frozen=True, slots=True)
class Point:
    """A system in a plane, with the interval of its y value; a `bound` is on no front."""

    label: str
    colour: int
    x: float
    y: float
    low: float
    high: float
    bound: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps values to pixels; `ticks` are values worth a line."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def _linear(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = min(values), max(values)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    floor = 0.0 if low >= 0 else -math.inf
    low, high = max(low - room, floor), high + room
    step = _nice_step((high - low) / 5)
    first = math.ceil(low / step - 1e-9)
    ticks = []
    while first * step <= high + 1e-12:
        ticks.append(round(first * step, 10))
        first += 1
    return _Axis(low, high, start, end, False, tuple(ticks))


def _log(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = min(values) / 1.8, max(values) * 1.8
    ticks = [
        base * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for base in (1, 2, 5)
        if low <= base * 10.0**power <= high
    ]
    return _Axis(low, high, start, end, True, tuple(ticks))


def _nice_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= raw - 1e-12)


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", css: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">{escape(text)}</text>'
    )


def series(index: int) -> str:
    """CSS classes of a system by its place."""
    return f"s{index % COLOURS}" + " hollow" * (index // COLOURS % 2)


def short(label: str) -> str:
    """A label as it stands in a figure: the middle of a long one is left out."""
    if len(label) <= _LABEL:
        return label
    return f"{label[: _LABEL // 2 - 1].rstrip()}…{label[-_LABEL // 2 :].lstrip()}"


def _label(x: float, y: float, label: str, *, anchor: str, css: str = "label") -> str:
    """A label that may be long; pointed at, it says all."""
    whole = f"<title>{escape(label)}</title>" if short(label) != label else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">'
        f"{escape(short(label))}{whole}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def _number(value: float) -> str:
    return f"{value:g}"


def _frame(x: _Axis, y: _Axis, x_label: str, y_label: str, height: float) -> list[str]:
    parts = []
    for tick in x.ticks:
        parts.append(_line(x(tick), _TOP, x(tick), height - _BOTTOM, "grid"))
        parts.append(
            _text(x(tick), height - _BOTTOM + 16, _number(tick), anchor="middle", css="tick")
        )
    for tick in y.ticks:
        parts.append(_line(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick), "grid"))
        parts.append(_text(_LEFT - 8, y(tick) + 4, _number(tick), anchor="end", css="tick"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, height - 8, x_label, anchor="middle", css="axis"))
    parts.append(
        f'<g transform="translate(14 {(_TOP + height - _BOTTOM) / 2:.1f}) rotate(-90)">'
        + _text(0, 0, y_label, anchor="middle", css="axis")
        + "</g>"
    )
    return parts


def scatter(
    points: Sequence[Point],
    title: str,
    x_label: str,
    y_label: str,
    *,
    log_x: bool = False,
    front: bool = False,
) -> str:
    """Systems in a plane with intervals; `front` joins those that no other beats in both."""
    height = 380.0
    make = _log if log_x else _linear
    x = make([point.x for point in points], _LEFT, _WIDTH - _RIGHT)
    y = _linear(
        [value for point in points for value in (point.low, point.high)], height - _BOTTOM, _TOP
    )
    parts = _frame(x, y, x_label, y_label, height)
    if front:
        best = pareto(points)
        path = " ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in best)
        parts.append(f'<polyline points="{path}" class="front"/>')
    taken: list[tuple[float, float, float]] = []
    for point in points:
        across, up = x(point.x), y(point.y)
        css = series(point.colour)
        parts.append(_line(across, y(point.low), across, y(point.high), f"bar {css}"))
        parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="5.5" class="dot {css}"/>')
        width = _CHARACTER * len(short(point.label))
        if across + 9 + width > _WIDTH:
            at, anchor = across - 9, "end"
            label_y = _free(taken, at - width, at, up - 9)
        else:
            at, anchor = across + 9, "start"
            label_y = _free(taken, at, at + width, up - 9)
        parts.append(_label(at, label_y, point.label, anchor=anchor))
    return _svg(height, title, parts)


def _free(taken: list[tuple[float, float, float]], left: float, right: float, y: float) -> float:
    """A height near `y` at which a label from `left` to `right` does not lie on another."""
    while any(
        left < other_right and other_left < right and abs(y - other_y) < 14
        for other_left, other_right, other_y in taken
    ):
        y += 14
    taken.append((left, right, y))
    return y


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points that no other equals or beats in both, from left to right; no bounds."""
    best: list[Point] = []
    real = [point for point in points if not point.bound]
    for point in sorted(real, key=lambda one: (-one.x, -one.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best[::-1]


def distributions(systems: Sequence[tuple[str, Sequence[float]]], title: str, x_label: str) -> str:
    """A histogram a system, one under the other, with quartiles; values from 0 to 100."""
    row, bins, left = 62.0, 25, 172.0
    height = _TOP + row * len(systems) + _BOTTOM
    highest = max((value for _, values in systems for value in values), default=1.0) or 1.0
    x = _linear([0.0, highest], left, _WIDTH - _RIGHT)
    width = highest / bins
    parts = []
    for tick in x.ticks:
        parts.append(_line(x(tick), _TOP, x(tick), height - _BOTTOM, "grid"))
        parts.append(
            _text(x(tick), height - _BOTTOM + 16, _number(tick), anchor="middle", css="tick")
        )
    for index, (name, values) in enumerate(systems):
        base = _TOP + row * (index + 1) - 6
        counts = [0] * bins
        for value in values:
            counts[min(int(value / width), bins - 1)] += 1
        tallest = max(counts) or 1
        for place, count in enumerate(counts):
            if count:
                start, tall = x(place * width), (row - 16) * count / tallest
                parts.append(
                    f'<rect x="{start:.1f}" y="{base - tall:.1f}" height="{tall:.1f}"'
                    f' width="{x((place + 1) * width) - start - 1:.1f}"'
                    f' class="fill {series(index)}"/>'
                )
        ordered = sorted(values)
        for share in (0.25, 0.5, 0.75):
            value = x(ordered[int(share * (len(ordered) - 1))])
            css = "median" if share == 0.5 else "quartile"
            parts.append(_line(value, base - row + 14, value, base, css))
        parts.append(_label(left - 10, base - row / 2 + 12, name, anchor="end"))
        parts.append(
            _text(left - 10, base - row / 2 + 26, f"n {len(values)}", anchor="end", css="tick")
        )
        parts.append(_line(left, base, _WIDTH - _RIGHT, base, "base"))
    parts.append(_text((left + _WIDTH) / 2, height - 8, x_label, anchor="middle", css="axis"))
    return _svg(height, title, parts)


def heat_map(rows: Sequence[tuple[str, Sequence[float]]], title: str) -> str:
    """Shares by tenth of the article, a row a system; each row's values add up to 1."""
    left, cell, row = 170.0, 44.0, 30.0
    height = _TOP + 22 + row * len(rows) + 24
    parts = []
    for tenth in range(10):
        parts.append(
            _text(
                left + cell * (tenth + 0.5), _TOP + 10, str(tenth + 1), anchor="middle", css="tick"
            )
        )
    highest = max((value for _, values in rows for value in values), default=1.0) or 1.0
    for index, (name, values) in enumerate(rows):
        top = _TOP + 20 + row * index
        parts.append(_label(left - 10, top + 19, name, anchor="end"))
        for tenth, value in enumerate(values):
            parts.append(
                f'<rect x="{left + cell * tenth:.1f}" y="{top:.1f}" width="{cell - 2:.1f}"'
                f' height="{row - 2:.1f}" class="heat" style="fill-opacity:'
                f'{0.04 + 0.9 * value / highest:.3f}"/>'
            )
            css = "cell strong" if value > 0.55 * highest else "cell"
            parts.append(
                _text(
                    left + cell * (tenth + 0.5), top + 18, f"{value:.0%}", anchor="middle", css=css
                )
            )
    parts.append(
        _text(left + cell * 5, height - 6, "tenth of the article", anchor="middle", css="axis")
    )
    return _svg(height, title, parts)


def intervals(groups: Sequence[tuple[str, Sequence[Point]]], title: str, x_label: str) -> str:
    """Means with intervals, grouped: the slices of a data set. `Point.x` is not used.

    A group's name may have two lines.
    """
    line, gap = 16.0, 16.0
    height = _TOP + sum(line * max(len(points), 2) + gap for _, points in groups) + _BOTTOM
    left = 190.0
    values = [value for _, points in groups for one in points for value in (one.low, one.high)]
    x = _linear(values, left, _WIDTH - _RIGHT)
    parts = []
    for tick in x.ticks:
        parts.append(_line(x(tick), _TOP, x(tick), height - _BOTTOM, "grid"))
        parts.append(
            _text(x(tick), height - _BOTTOM + 16, _number(tick), anchor="middle", css="tick")
        )
    top = _TOP + 8.0
    for name, points in groups:
        middle = top + line * (len(points) - 1) / 2
        for number, part in enumerate(name.split("\n")):
            write, css = (_text, "tick") if number else (_label, "label")
            parts.append(write(left - 14, middle + 15 * number, part, anchor="end", css=css))
        for point in points:
            css = series(point.colour)
            parts.append(_line(x(point.low), top, x(point.high), top, f"bar {css}"))
            parts.append(f'<circle cx="{x(point.y):.1f}" cy="{top:.1f}" r="4" class="dot {css}"/>')
            top += line
        top += gap + line * max(2 - len(points), 0)
    parts.append(_text((left + _WIDTH) / 2, height - 8, x_label, anchor="middle", css="axis"))
    return _svg(height, title, parts)


def tenths(positions: Sequence[float]) -> list[float]:
    """Share of positions (0 to 1) in each tenth."""
    counts = [0] * 10
    for position in positions:
        counts[min(int(position * 10), 9)] += 1
    total = sum(counts) or 1
    return [count / total for count in counts]
