"""A provider for the tests of payments."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from tests.servers.simulator import SECRET, Simulator, running_simulator


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator")) as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator, settings: Settings) -> Simulator:
    """A provider that sends no webhooks, shared by tests that do not harm it."""
    use(_simulator, settings)
    return _simulator


def use(simulator: Simulator, settings: Settings) -> None:
    """Make the shop speak to ``simulator``, and give up soon."""
    settings.PAYMENT_SIMULATOR_URL = simulator.url
    settings.PAYMENT_SIMULATOR_SECRET = SECRET
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1)
