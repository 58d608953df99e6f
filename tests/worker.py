"""Gives each xdist worker its own part of the servers, before Django reads its settings.

Loaded by `-p tests.worker` (pyproject.toml). Databases are told apart by pytest-django itself (`test_shop_gw0`); Valkey
databases, and the prefix of every key, index and topic, here.
"""

import atexit
import os
import shutil
import signal
import tempfile
from urllib.parse import urlsplit, urlunsplit

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_NUMBER = int(WORKER.removeprefix("gw"))


def _own_valkey(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{_NUMBER + 1}"))


if not os.environ.get("DATABASE_URL") or not os.environ.get("VALKEY_URL"):
    raise pytest.UsageError(
        "tests need servers: use `make test`, or `python -m tests.servers -- python -m pytest tests/...`"
    )
os.environ["VALKEY_URL"] = _own_valkey(os.environ["VALKEY_URL"])
os.environ["SHOP_NAMESPACE"] = f"test-{WORKER}"
os.environ["SHOP_ENV"] = "laptop"
# Begun in the background of a shell, this process ignores Ctrl-C, and so would every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Pictures, mails and keys of tests stay apart from those of the shop that runs from this checkout.
os.environ["SHOP_LOCAL_DIR"] = tempfile.mkdtemp(prefix=f"harbour-{WORKER}-")
atexit.register(shutil.rmtree, os.environ["SHOP_LOCAL_DIR"], ignore_errors=True)
# Threads of one test come and go; a pool would keep their connections and hold up the drop of the test database.
os.environ["DATABASE_POOL"] = "0"
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "60000")
