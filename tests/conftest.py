"""What every test gets."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

from search import logbook
from tests.guards import LockGuard, watched_locks

# Hashing passwords slowly is for shops; tests make users by the hundred.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Most tests write in a transaction that is never committed: another connection would find nothing of it.
settings.SEARCH_DATABASE = "default"


@pytest.fixture(autouse=True)
def lock_guard(request: pytest.FixtureRequest) -> Iterator[LockGuard]:
    """Fails a test in which a stock, money or order row was written without its lock, or locks were taken out of order.

    A positive control that takes a lock away on purpose clears ``lock_guard.breaches`` after asserting that there were some.
    """
    with watched_locks() as guard:
        yield guard
    assert guard.breaches == []


@pytest.fixture(autouse=True)
def empty_cache(request: pytest.FixtureRequest) -> None:
    """Valkey's keys of this worker do not outlive the test that made them."""
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames or _uses_database(request):
        cache.clear()


@pytest.fixture(autouse=True)
def quiet_logbook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Searches are written to the log when a test says so: a thread would write rows that nobody takes away again."""
    monkeypatch.setattr(logbook.BOOK, "start", lambda: None)
    yield
    logbook.BOOK.hang_up()
    logbook.BOOK.begin_anew()


def _uses_database(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("django_db") is not None


# These take a minute each: begun first, they leave no worker idle at the end.
LONG = ("tests/debian", "tests/e2e", "tests/catalog/test_commands", "tests/faults", "tests/races/test_deadlocks")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, and leave the long forms to `make soak`, unless markers were chosen by hand."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if config.getoption("-m"):
        return
    soak = [item for item in items if item.get_closest_marker("soak")]
    if soak:
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
