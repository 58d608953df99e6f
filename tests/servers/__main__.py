"""`python -m tests.servers -- COMMAND...`: the command, with DATABASE_URL and VALKEY_URL of fresh servers around it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from tests.servers.elasticsearch import room_for_shared_elasticsearch
from tests.servers.embedded import private_servers, remove_left_behind
from tests.servers.kafka import room_for_shared_kafka


def main(arguments: list[str]) -> int:
    """Run the command after ``--`` and answer with its exit code; servers given by the environment are used as they are."""
    if len(arguments) < 2 or arguments[0] != "--":
        sys.stderr.write("usage: python -m tests.servers -- COMMAND [ARGUMENT...]\n")
        return 2
    signal.signal(signal.SIGTERM, _leave)
    with room_for_shared_kafka() as kafka, room_for_shared_elasticsearch() as search, suppress(KeyboardInterrupt):
        if os.environ.get("DATABASE_URL") and os.environ.get("VALKEY_URL"):
            return subprocess.call(arguments[1:], env={**os.environ, **kafka, **search})
        remove_left_behind()
        with private_servers() as (servers, _):
            urls = {"DATABASE_URL": servers.database_url, "VALKEY_URL": servers.valkey_url}
            return subprocess.call(arguments[1:], env={**os.environ, **urls, **kafka, **search})
    return 130


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
