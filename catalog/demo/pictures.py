"""Pictures of the demo's products, drawn from `drawings.toml` and `drawings/`: deterministic, nothing downloaded."""

import io
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIZE = 800  # that of the product page's pictures, which therefore are the drawings themselves
_SCALE = 2  # drawn larger and shrunk, which smooths the edges
_PIXELS = SIZE * _SCALE
_UNIT = _PIXELS / 100
_SOFT = 256
COLOURS = {
    "Black": "#2f3136",
    "Brass": "#c9a24a",
    "Charcoal": "#50565e",
    "Cherry": "#b8323f",
    "Copper": "#c2703d",
    "Cream": "#efe3c8",
    "Denim": "#4a6488",
    "Forest": "#2f5d47",
    "Glass": "#a9cfd6",
    "Mustard": "#d9a32c",
    "Oak": "#c99f67",
    "Ocean": "#2b6a8f",
    "Sage": "#8fa98a",
    "Sand": "#d3bd97",
    "Sky": "#7fb4d8",
    "Steel": "#a3adb5",
    "Terracotta": "#c8673f",
    "Walnut": "#7a5236",
    "White": "#f7f7f4",
}
_FIXED = {
    "wood": "#cfa36b",
    "bark": "#6b4a34",
    "metal": "#b9c1c8",
    "glass": "#cfe3e8",
    "ink": "#33363c",
    "paper": "#fbf8f0",
    "rose": "#d97a74",
    "leaf": "#5f8f5a",
    "flame": "#f2b84b",
}
_GROUNDS = ("#e9f0f2", "#f4ede2", "#eef1e6", "#f3e9e7", "#ebe9f2", "#f2f0ea")
_SHADOW = 76  # of 255: how dark the shadow is
Rgb = tuple[int, int, int]
Fill = Rgb | int


@cache
def drawings() -> dict[str, list[str]]:
    """The shapes of every kind of product. Raises ValueError for a kind that is drawn in two files."""
    found: dict[str, list[str]] = {}
    here = Path(__file__).parent
    for path in (here / "drawings.toml", *sorted((here / "drawings").glob("*.toml"))):
        drawn: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))
        twice = found.keys() & drawn.keys()
        if twice:
            raise ValueError(f"{path.name} draws again: {', '.join(sorted(twice))}")
        found |= drawn
    return found


def draw(*, kind: str, colour: str, ground: int) -> bytes:
    """A WebP picture of SIZE pixels square: ``kind`` in ``colour`` before background number ``ground``.

    Raises KeyError for a kind or a colour that is not there.
    """
    fills = palette(COLOURS[colour])
    # Soft parts are made small, because nobody sees the grain of a blur.
    soft = _ground(_rgb(_GROUNDS[ground % len(_GROUNDS)]))
    soft.paste((70, 75, 85), (0, _SOFT // 64), _shadow(kind))
    smooth_ground = soft.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    picture = smooth_ground.resize((_PIXELS, _PIXELS), Image.Resampling.NEAREST)  # four times as fast as a smooth one
    pen = ImageDraw.Draw(picture)
    for shape, fill, numbers in _shapes(kind):
        _SHAPES[shape](pen, fills[fill], [number * _UNIT for number in numbers])
    file = io.BytesIO()
    picture.reduce(_SCALE).save(file, "WEBP", quality=85, method=0)
    return file.getvalue()


def _shapes(kind: str) -> Iterator[tuple[str, str, list[float]]]:
    for written in drawings()[kind]:
        shape, fill, *numbers = written.split()
        yield shape, fill, [float(number) for number in numbers]


def _ground(rgb: Rgb) -> Image.Image:
    """A backdrop that grows a little darker downwards, with a lighter floor."""
    column = Image.new("RGB", (1, 100))
    for row in range(100):
        tone = 1.0 - row / 900 if row < 82 else 0.94 + (row - 82) / 500
        column.putpixel((0, row), _tone(rgb, tone))
    return column.resize((_SOFT, _SOFT), Image.Resampling.BILINEAR)


def _shadow(kind: str) -> Image.Image:
    """A soft mask of what is drawn."""
    small = Image.new("L", (100, 100))
    pen = ImageDraw.Draw(small)
    for shape, _fill, numbers in _shapes(kind):
        _SHAPES[shape](pen, _SHADOW, numbers)
    return small.filter(ImageFilter.GaussianBlur(3)).resize((_SOFT, _SOFT), Image.Resampling.BILINEAR)


def palette(colour: str) -> dict[str, Rgb]:
    """What each fill of a drawing is where the product is ``colour``, such as ``#2b6a8f``."""
    main = _rgb(colour)
    bright = sum(main) > 600
    fixed = {name: _rgb(code) for name, code in _FIXED.items()}
    return {
        **fixed,
        "main": main,
        "dark": _tone(main, 0.86 if bright else 0.76),
        "light": _tone(main, 0.94) if bright else _lighter(main),
    }


def _rgb(code: str) -> Rgb:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _tone(rgb: Rgb, factor: float) -> Rgb:
    red, green, blue = (min(255, round(part * factor)) for part in rgb)
    return red, green, blue


def _lighter(rgb: Rgb) -> Rgb:
    red, green, blue = (round(part + (255 - part) * 0.28) for part in rgb)
    return red, green, blue


def _points(numbers: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def smooth(points: Sequence[tuple[float, float]], *, closed: bool) -> list[tuple[float, float]]:
    """A Catmull-Rom spline through ``points``."""
    steps = 14
    count = len(points)
    at: Callable[[int], tuple[float, float]] = (
        (lambda i: points[i % count]) if closed else (lambda i: points[min(max(i, 0), count - 1)])
    )
    found = []
    for i in range(count if closed else count - 1):
        corners = [at(i + k) for k in (-1, 0, 1, 2)]
        for step in range(steps):
            t = step / steps
            (x, y) = (_spline([corner[axis] for corner in corners], t) for axis in (0, 1))
            found.append((x, y))
    return found if closed else [*found, points[-1]]


def _spline(values: Sequence[float], t: float) -> float:
    a, b, c, d = values
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _stroke(pen: ImageDraw.ImageDraw, fill: Fill, width: float, points: Sequence[tuple[float, float]]) -> None:
    thick = max(1, round(width))
    pen.line(points, fill=fill, width=thick, joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=fill)


def _rect(pen: ImageDraw.ImageDraw, fill: Fill, numbers: Sequence[float]) -> None:
    radius = numbers[4] if len(numbers) > 4 else 0
    pen.rounded_rectangle(list(numbers[:4]), radius=radius, fill=fill)


_SHAPES: dict[str, Callable[[ImageDraw.ImageDraw, Fill, Sequence[float]], None]] = {
    "rect": _rect,
    "oval": lambda pen, fill, numbers: pen.ellipse(list(numbers), fill=fill),
    "poly": lambda pen, fill, numbers: pen.polygon(_points(numbers), fill=fill),
    "curve": lambda pen, fill, numbers: pen.polygon(smooth(_points(numbers), closed=True), fill=fill),
    "line": lambda pen, fill, numbers: _stroke(pen, fill, numbers[0], _points(numbers[1:])),
    "bow": lambda pen, fill, numbers: _stroke(pen, fill, numbers[0], smooth(_points(numbers[1:]), closed=False)),
}
