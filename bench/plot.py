"""Curves as a picture: SVG, written by hand, for it takes no more than this."""

from html import escape
from math import floor, log10

from bench.report import Measured, columns
from bench.scenes.scene import Curve

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 780, 200, 70, 30, 34, 40
BACKGROUND = '<rect width="100%" height="100%" fill="#fff"/>'
COLOURS = ("#1b6ca8", "#c8553d", "#4c956c", "#8a5a9e", "#b8860b", "#555555")


def picture(measured: list[Measured]) -> str:
    """A panel for each kind of curve, with one curve for each run, in the colour of its server."""
    titles = list(dict.fromkeys(title for one in measured for title in one.outcome.curves))
    colours = dict(zip(columns(measured), COLOURS * 9, strict=False))
    panels = [_panel(title, measured, colours, n * (HEIGHT + TOP + BOTTOM)) for n, title in enumerate(titles)]
    size = f'width="{WIDTH}" height="{len(titles) * (HEIGHT + TOP + BOTTOM)}"'
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{BACKGROUND}{"".join(panels)}</svg>\n'


def _panel(title: str, measured: list[Measured], colours: dict[str, str], top: int) -> str:
    runs = [(one.column, one.outcome.curves[title]) for one in measured if one.outcome.curves.get(title)]
    points = [point for _, curve in runs for point in curve]
    if not points:
        return ""
    right = max(x for x, _ in points) or 1.0
    step = _step(max(y for _, y in points) or 1.0)
    high = step * (max(y for _, y in points) // step + 1)
    parts = [_text(LEFT, 20, title, 'font-weight="bold"')]
    for n in range(round(high / step) + 1):
        y = TOP + HEIGHT * (1 - n * step / high)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{n * step:g}", 'text-anchor="end"'))
    for n in range(5):
        x = LEFT + (WIDTH - LEFT - RIGHT) * n / 4
        parts.append(_text(x, TOP + HEIGHT + 16, f"{right * n / 4:.3g}", 'text-anchor="middle"'))
    parts.append(_text(WIDTH - RIGHT, TOP + HEIGHT + 32, measured[0].outcome.over, 'text-anchor="end"'))
    for n, column in enumerate(dict.fromkeys(column for column, _ in runs)):
        parts.append(_text(LEFT + 250 + n * 120, 20, column, f'fill="{colours[column]}"'))
    parts += [_line(curve, right, high, colours[column]) for column, curve in runs]
    return f'<g transform="translate(0 {top})">{"".join(parts)}</g>\n'


def _line(curve: Curve, right: float, high: float, colour: str) -> str:
    width = WIDTH - LEFT - RIGHT
    points = " ".join(f"{LEFT + width * x / right:.1f},{TOP + HEIGHT * (1 - y / high):.1f}" for x, y in curve)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _text(x: float, y: float, text: str, more: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _step(high: float) -> float:
    """A round number of which a few reach `high`."""
    unit = 10.0 ** floor(log10(high))
    return next(unit * part for part in (0.2, 0.5, 1.0, 2.0) if high / (unit * part) <= 5)
