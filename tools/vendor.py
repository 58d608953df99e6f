"""Fetch the front-end files that others keep: `make vendor`. What it writes is committed, so `make run` needs no Node.

Each package comes from npm at an exact version; `static/vendor/manifest.json` says of every file where it is from, under which
licence, and its SHA-256.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
ICONS = (
    "arrow-right", "bag", "box-seam", "check-circle-fill", "chevron-down", "chevron-right", "clock", "credit-card", "dash-lg",
    "exclamation-triangle", "filter", "geo-alt", "grid", "heart", "info-circle", "list", "moon", "person", "plus-lg", "receipt",
    "search", "shield-check", "star", "star-fill", "star-half", "sun", "trash", "truck", "x-lg",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package, and which of its files go where below static/vendor/."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "bootstrap",
        "5.3.9",
        "MIT",
        {"dist/css/bootstrap.min.css": "bootstrap/bootstrap.min.css", "LICENSE": "bootstrap/LICENSE"},
    ),
    Package("htmx.org", "2.0.11", "0BSD", {"dist/htmx.min.js": "htmx/htmx.min.js", "LICENSE": "htmx/LICENSE"}),
    Package(
        "bootstrap-icons",
        "1.13.2",
        "MIT",
        {**{f"icons/{icon}.svg": f"icons/{icon}.svg" for icon in ICONS}, "LICENSE": "icons/LICENSE"},
    ),
)


def main() -> int:
    """Fetch every package and write its files and the manifest."""
    manifest = []
    for package in PACKAGES:
        sys.stdout.write(f"{package.name} {package.version}\n")
        files = fetch(package)
        for path, content in files.items():
            target = VENDOR / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        manifest.append(
            {
                "package": package.name,
                "version": package.version,
                "licence": package.licence,
                "files": {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
            }
        )
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return 0


def fetch(package: Package) -> dict[str, bytes]:
    """The wanted files of ``package`` by their path below static/vendor/. Raises SystemExit when npm or a file is missing."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise SystemExit(f"npm could not fetch {package.name} {package.version}: {problem}") from None
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            return {target: _read(archive, source) for source, target in package.files.items()}


def _read(archive: tarfile.TarFile, source: str) -> bytes:
    member = archive.extractfile(f"package/{source}")
    if member is None:
        raise SystemExit(f"{source} is not a file of the package")
    # A source map is not vendored; a browser's tools would ask for it in vain.
    return b"\n".join(line for line in member.read().split(b"\n") if not line.startswith(b"/*# sourceMappingURL="))


if __name__ == "__main__":
    sys.exit(main())
