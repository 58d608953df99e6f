"""A provider for the tests of checkout."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.servers.simulator import SECRET, Simulator, running_simulator


@pytest.fixture(scope="session")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("provider"), "--webhook-url", "", "--silent", "5") as provider:
        yield provider


@pytest.fixture
def provider(_provider: Simulator, settings: Settings) -> Simulator:
    """A real provider that sends no webhooks; the shop gives up on it soon."""
    settings.PAYMENT_SIMULATOR_URL = _provider.url
    settings.PAYMENT_SIMULATOR_SECRET = SECRET
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1)
    return _provider


@pytest.fixture(scope="session")
def _own_books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path]]:
    folder = tmp_path_factory.mktemp("own_provider")
    options = ("--webhook-url", "", "--silent", "5", "--slow", "0.05")
    with running_simulator(folder, *options) as provider:
        yield provider, folder / "payments.sqlite3"


@pytest.fixture
def books(_own_books: tuple[Simulator, Path]) -> Path:
    """The file in which the own provider keeps its books, emptied."""
    with closing(sqlite3.connect(_own_books[1])) as file, file:
        for table in ("payments", "refunds", "webhooks"):
            file.execute(f"DELETE FROM {table}")
    return _own_books[1]


@pytest.fixture
def own_provider(_own_books: tuple[Simulator, Path], books: Path, settings: Settings) -> Simulator:
    """A real provider that knows of no payment but the test's, for those that compare its list with the shop's."""
    provider, _file = _own_books
    settings.PAYMENT_SIMULATOR_URL = provider.url
    settings.PAYMENT_SIMULATOR_SECRET = SECRET
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1)
    return provider
