"""`python -m bench [NAME...]`: run the measurements named, or all."""

import sys
from collections.abc import Callable

from bench import checkout, events, imports, inventory, outage, pages, relevance, search

MEASUREMENTS: dict[str, Callable[[], None]] = {
    "checkout": checkout.main,
    "events": events.main,
    "imports": imports.main,
    "inventory": inventory.main,
    "outage": outage.main,
    "pages": pages.main,
    "relevance": relevance.main,
    "search": search.main,
}


def main(names: list[str]) -> int:
    """Run them one after another; 2 for a name that is none."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        sys.stderr.write(f"There is no measurement called {unknown[0]}; there are: {', '.join(MEASUREMENTS)}\n")
        return 2
    for name in names or MEASUREMENTS:
        MEASUREMENTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
