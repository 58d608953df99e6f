"""The same drawings as SVG: files of our own, shown for products that have no picture (`catalog.pictures`).

Run as ``python -m catalog.demo.vectors`` after a change to a drawing, and commit what it writes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.demo.pictures import COLOURS, drawings, palette, smooth

FOLDER = Path(__file__).resolve().parent.parent / "static" / "catalog" / "pictures"
# File name: drawing, its colour, colour of the ground.
FILES = {
    "accessories": ("mouse", "Charcoal", "#eef1e6"),
    "bags-travel": ("backpack", "Mustard", "#e9f0f2"),
    "cables": ("cables", "Ocean", "#f4ede2"),
    "clothing": ("sweater", "Forest", "#f3e9e7"),
    "components": ("chip", "Forest", "#e9f0f2"),
    "computers": ("laptop", "Ocean", "#ebe9f2"),
    "garden": ("wateringcan", "Sage", "#f4ede2"),
    "home-living": ("lamp", "Brass", "#eef1e6"),
    "home-personal-care": ("shaver", "Sky", "#f3e9e7"),
    "kitchen-dining": ("kettle", "Cherry", "#f4ede2"),
    "monitors-projectors": ("monitor", "Denim", "#e9f0f2"),
    "networking": ("router", "Charcoal", "#eef1e6"),
    "office": ("pencils", "Terracotta", "#ebe9f2"),
    "parcel": ("parcel", "Sand", "#f2f0ea"),
    "phones-audio-photo": ("headphones", "Cherry", "#f4ede2"),
    "power": ("plug", "Terracotta", "#ebe9f2"),
    "printing": ("printer", "Sky", "#f3e9e7"),
    "software-services": ("disc", "Sage", "#f4ede2"),
    "sports-outdoors": ("tent", "Ocean", "#eef1e6"),
    "stationery-art": ("notebook", "Ocean", "#f3e9e7"),
    "storage": ("drive", "Steel", "#e9f0f2"),
    "toys-games": ("bear", "Walnut", "#ebe9f2"),
}
Numbers = Sequence[float]


def as_svg(*, kind: str, colour: str, ground: str) -> str:
    """The drawing ``kind`` as an SVG document. Raises KeyError for a kind or a colour that is not there."""
    fills = {name: f"#{red:02x}{green:02x}{blue:02x}" for name, (red, green, blue) in palette(COLOURS[colour]).items()}
    body = [f'<rect width="120" height="120" fill="{ground}"/>', '<g transform="translate(10 10)">']
    for shape in drawings()[kind]:
        name, fill, *numbers = shape.split()
        body.append(_SHAPES[name](fills[fill], [float(number) for number in numbers]))
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" width="640" height="640">',
            *body,
            "</g></svg>",
            "",
        ]
    )


def main() -> None:
    """Write every file anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (kind, colour, ground) in FILES.items():
        (FOLDER / f"{name}.svg").write_text(as_svg(kind=kind, colour=colour, ground=ground), encoding="utf-8")


def _rect(fill: str, numbers: Numbers) -> str:
    left, top, right, bottom, *rest = numbers
    radius = rest[0] if rest else 0
    return f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="{radius:g}" fill="{fill}"/>'


def _oval(fill: str, numbers: Numbers) -> str:
    left, top, right, bottom = numbers
    middle = f'cx="{(left + right) / 2:g}" cy="{(top + bottom) / 2:g}"'
    return f'<ellipse {middle} rx="{(right - left) / 2:g}" ry="{(bottom - top) / 2:g}" fill="{fill}"/>'


def _pairs(numbers: Numbers) -> list[tuple[float, float]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.4g},{y:.4g}" for x, y in points)


def _polygon(fill: str, points: Sequence[tuple[float, float]]) -> str:
    return f'<polygon points="{_points(points)}" fill="{fill}"/>'


def _stroke(fill: str, width: float, points: Sequence[tuple[float, float]]) -> str:
    round_ends = 'stroke-linecap="round" stroke-linejoin="round"'
    return f'<polyline points="{_points(points)}" fill="none" stroke="{fill}" stroke-width="{width:g}" {round_ends}/>'


_SHAPES: dict[str, Callable[[str, Numbers], str]] = {
    "rect": _rect,
    "oval": _oval,
    "poly": lambda fill, numbers: _polygon(fill, _pairs(numbers)),
    "curve": lambda fill, numbers: _polygon(fill, smooth(_pairs(numbers), closed=True)),
    "line": lambda fill, numbers: _stroke(fill, numbers[0], _pairs(numbers[1:])),
    "bow": lambda fill, numbers: _stroke(fill, numbers[0], smooth(_pairs(numbers[1:]), closed=False)),
}

if __name__ == "__main__":
    main()
