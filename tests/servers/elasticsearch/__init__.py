"""A real Elasticsearch without a container: the jars that its authors publish, a launcher, and the analysis of our mapping.

`shared_elasticsearch()` is one for the whole test run, started by whoever wants it first; `private_elasticsearch()` is one test's
own. `tests.servers.toxiproxy` stands before either.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.requirements import missing
from tests.servers.elasticsearch_node import REMEDY, SMALL, ElasticsearchServer, made_in, missing_programs

GIVEN = "TEST_ELASTICSEARCH_URL"  # one that tests may use instead; their indexes there have names that begin with test-
FOLDER = "TEST_ELASTICSEARCH_FOLDER"  # where the run's shared one lives, told by `python -m tests.servers`


@contextmanager
def private_elasticsearch(*, java: tuple[str, ...] = SMALL) -> Iterator[ElasticsearchServer]:
    """A node that one test owns, and may kill, stop and start again; removed at the end."""
    _require_programs()
    with _folder() as folder:
        server = made_in(folder, java=java)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def shared_elasticsearch() -> str:
    """The address of the run's node, or of the one that TEST_ELASTICSEARCH_URL or ELASTICSEARCH_URL named."""
    given = os.environ.get(GIVEN, "")
    if given:
        return given
    _require_programs()
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = folder / "elasticsearch.json"
        if not told.exists():
            server = made_in(folder)
            server.start()
            told.write_text(json.dumps({"url": server.url}))
        return str(json.loads(told.read_text())["url"])


@contextmanager
def room_for_shared_elasticsearch() -> Iterator[dict[str, str]]:
    """A folder in which `shared_elasticsearch` may start one, and the environment that says so; both are gone at the end.

    Without ELASTICSEARCH_URL: a test says itself whether its shop has an Elasticsearch.
    """
    given = os.environ.get(GIVEN, "") or os.environ.get("ELASTICSEARCH_URL", "")
    with _folder() as folder:
        try:
            yield {FOLDER: str(folder), GIVEN: given, "ELASTICSEARCH_URL": ""}
        finally:
            ElasticsearchServer(folder, 0, 0).kill()


def _require_programs() -> None:
    if lacking := missing_programs():
        missing(", ".join(lacking), REMEDY)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"harbour-search-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
