"""A whole shop on the tests' own database, whose web processes can be made to wait, and be killed, at any step of checkout."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from pytest_django import Settings

from tests.races.http_clients import Patient, new_client
from tests.servers.embedded import PrivateValkey, private_valkey
from tests.servers.flushing import win_deadlocks, win_no_more
from tests.servers.pausing import SOCKET, Controller, controlling
from tests.servers.shop import Shop, database_of_tests, running_shop

# Each takes one request at a time, so that checkouts held together are each in a process of their own.
WORKERS = 8
PAUSED_WEB = [sys.executable, "-m", "tests.servers.paused_web"]


@dataclass(frozen=True, slots=True)
class PausedShop:
    """The shop, the hand on its workers, and a Valkey of its own."""

    shop: Shop
    controller: Controller
    valkey: PrivateValkey
    client: httpx.Client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs them in a row, so that the shop below is started once."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("faults"))


# No longer than the module: its relay works on the tests' own database, and would settle and capture for other tests too.
@pytest.fixture(scope="module")
def _paused_shop(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PausedShop]:
    folder: Path = tmp_path_factory.mktemp("pause")
    with ExitStack() as stack:
        valkey = stack.enter_context(private_valkey())
        controller = stack.enter_context(controlling(folder))
        shop = stack.enter_context(
            running_shop(
                database_url=database_of_tests(),
                valkey_url=valkey.url,
                workers=WORKERS,
                threads=1,
                web=PAUSED_WEB,
                extra={SOCKET: str(controller.path), "GUNICORN_CMD_ARGS": "--worker-connections 1"},
            )
        )
        yield PausedShop(shop, controller, valkey, stack.enter_context(new_client(shop.url, Patient())))
        win_no_more()
        shop.kill("web")  # so many processes would take seconds to end in order


@pytest.fixture
def paused(_paused_shop: PausedShop, settings: Settings) -> Iterator[PausedShop]:
    """The shop, for one test that leaves nothing running in it; this process speaks to the same provider."""
    settings.PAYMENT_SIMULATOR_URL = _paused_shop.shop.environment["PAYMENT_SIMULATOR_URL"]
    with redis.Redis.from_url(_paused_shop.valkey.url) as valkey:
        valkey.flushdb()
    yield _paused_shop
    _paused_shop.controller.let_go()
    win_deadlocks()


@pytest.fixture(scope="module")
def crowded(_paused_shop: PausedShop) -> Iterator[PausedShop]:
    """The same shop as another web process serves it: with many threads, and one database connection for all of them."""
    given = _paused_shop.shop.environment
    extra = {name: given[name] for name in (SOCKET, "PAYMENT_SIMULATOR_URL")}
    with (
        running_shop(
            database_url=database_of_tests(),
            valkey_url=_paused_shop.valkey.url,
            threads=16,
            parts=("web",),
            web=PAUSED_WEB,
            extra=extra,
        ) as shop,
        new_client(shop.url, Patient()) as client,
    ):
        yield PausedShop(shop, _paused_shop.controller, _paused_shop.valkey, client)
