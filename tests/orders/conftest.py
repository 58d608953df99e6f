"""A provider for the tests of checkout."""

from collections.abc import Iterator
from datetime import timedelta

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
