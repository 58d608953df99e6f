"""What a test needs beyond Python: a skip that says what to install, or a failure where CI promised to have it."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test, saying what is missing and how to get it. Under CI=true it fails: what did not run proves nothing."""
    line = f"{what} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def data_dir() -> Path:
    """The folder of the shared data sets."""
    return Path(os.environ.get("SHOP_DATA_DIR", "") or REPOSITORY.parent / "shared" / "data")


def icecat_products() -> Path:
    """The file of 19,406 real products."""
    path = data_dir() / "icecat" / "products.jsonl.gz"
    if not path.is_file():
        missing("The Icecat data set", f"put it at {path} or set SHOP_DATA_DIR")
    return path


def chromium() -> str:
    """The path of Debian's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("Chromium", "bash deploy/prepare-machine.sh, or apt-get install chromium")
    return found


def command(name: str, remedy: str) -> str:
    """The path of a program; ``remedy`` says how to get it."""
    found = shutil.which(name)
    if found is None:
        missing(name, remedy)
    return found
