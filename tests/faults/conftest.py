"""A whole shop on the tests' own database, whose web process can be made to wait, and be killed, at any step of checkout."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.servers.pausing import SOCKET, Controller, controlling
from tests.servers.shop import Shop, database_of_tests, running_shop


@dataclass(frozen=True, slots=True)
class PausedShop:
    """The shop, and the hand on its workers."""

    shop: Shop
    controller: Controller


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
    with (
        controlling(folder) as controller,
        running_shop(
            database_url=database_of_tests(),
            valkey_url=os.environ["VALKEY_URL"],
            threads=16,
            web=[sys.executable, "-m", "tests.servers.paused_web"],
            extra={SOCKET: str(controller.path)},
        ) as shop,
    ):
        yield PausedShop(shop, controller)


@pytest.fixture
def paused(_paused_shop: PausedShop, settings: Settings) -> Iterator[PausedShop]:
    """The shop, for one test that leaves nothing running in it; this process speaks to the same provider."""
    settings.PAYMENT_SIMULATOR_URL = _paused_shop.shop.environment["PAYMENT_SIMULATOR_URL"]
    yield _paused_shop
    _paused_shop.controller.let_go()
