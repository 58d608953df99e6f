"""A provider for the tests of payments."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from tests.servers.simulator import SECRET, Simulator, running_simulator
from tests.servers.stripe_api import StripeApi, stripe_api, stripe_keys


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator")) as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator, settings: Settings) -> Simulator:
    """A provider that sends no webhooks, shared by tests that do not harm it."""
    use(_simulator, settings)
    return _simulator


@pytest.fixture
def keys(settings: Settings) -> Iterator[None]:
    """A shop with Stripe's keys, and nobody there."""
    with stripe_keys(settings):
        yield


@pytest.fixture
def api(settings: Settings) -> Iterator[StripeApi]:
    """Stripe's API, as far as a test says; the shop speaks to it."""
    with stripe_api() as stood_in, stripe_keys(settings, api_url=stood_in.url):
        yield stood_in


def use(simulator: Simulator, settings: Settings) -> None:
    """Make the shop speak to ``simulator``, and give up soon."""
    settings.PAYMENT_SIMULATOR_URL = simulator.url
    settings.PAYMENT_SIMULATOR_SECRET = SECRET
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1)
