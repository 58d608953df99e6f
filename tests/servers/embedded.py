"""PostgreSQL and Valkey in a folder that goes away with them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from core import embedded
from core.embedded import Servers

VALKEY_DATABASES = 64  # one for each xdist worker


@contextmanager
def private_servers() -> Iterator[tuple[Servers, Path]]:
    """A PostgreSQL and a Valkey that nobody else uses, and their folder; stopped and removed at the end."""
    base = Path(tempfile.mkdtemp(prefix="harbour-test-"))
    base.chmod(0o711)  # as root, PostgreSQL runs as nobody, who must get through
    try:
        with patch.dict(os.environ):
            os.environ.pop("DATABASE_URL", None)
            os.environ.pop("VALKEY_URL", None)
            yield embedded.start(base, valkey_databases=VALKEY_DATABASES), base
    finally:
        embedded.stop(base)
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(embedded.outside_home(base), ignore_errors=True)
