"""Many at the same stock at once, through a real server with three worker processes, on real PostgreSQL.

What each race looks like in a shop without its lock: test_stock_over_http_unlocked.py, with the same clients.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inventory.models import Reservation
from tests.races import over_http as races
from tests.servers.paused_expiry import running_expiry
from tests.servers.pausing import controlling
from tests.servers.shop import Shop, database_of_tests, running_shop

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.race,
    pytest.mark.servers,
    pytest.mark.xdist_group("stock over HTTP"),
]


@pytest.fixture(scope="module")
def shop(django_db_setup: None) -> Iterator[Shop]:
    with running_shop(
        database_url=database_of_tests(), valkey_url=os.environ["VALKEY_URL"], workers=3, threads=8, parts=("web",)
    ) as shop:
        yield shop


def test_of_sixty_four_guests_for_the_last_ten_units_exactly_ten_get_one(shop: Shop) -> None:
    # Now and then the first worker to wake takes the whole crowd: that is no race between processes.
    for crowds in range(1, 6):
        before = races.attempts_by_worker(shop)

        counts = races.take_the_last(shop)

        assert counts == {"201": 10, "409 insufficient_inventory": 54}
        assert (races.stock(), Reservation.objects.count()) == ([(10, 10)] * crowds, 10 * crowds)
        races.assert_proven()
        taking_part = races.attempts_by_worker(shop) - before
        if len(taking_part) > 1:
            break
    assert len(taking_part) > 1


def test_of_sixty_four_raising_their_quantities_those_get_more_for_whom_there_is_enough(shop: Shop) -> None:
    counts = races.raise_quantities(shop)

    assert counts == {"200": 20, "409 insufficient_inventory": 44}
    assert races.stock() == [(104, 20 * 3 + 44)]
    races.assert_proven()


def test_units_in_lapsed_holds_go_to_all_who_want_them_while_the_expiry_runs(shop: Shop, tmp_path: Path) -> None:
    with controlling(tmp_path) as controller, running_expiry(tmp_path, controller) as expiry:
        counts = races.add_what_has_lapsed(shop, meanwhile=controller.let_go)

        assert counts == {"201": 64}
        assert (races.stock(), Reservation.objects.count()) == ([(4, 4)] * 16, 64)
        assert expiry.process.poll() is None
        assert expiry.holds <= 32  # the shoppers took the others themselves
    races.assert_proven()


def test_every_hold_renewed_while_the_expiry_runs_is_kept(shop: Shop, tmp_path: Path) -> None:
    with controlling(tmp_path) as controller, running_expiry(tmp_path, controller) as expiry:
        counts = races.hold_again(
            shop,
            lapse=timedelta(milliseconds=50),
            apart=timedelta(milliseconds=15),
            first=controller.let_go,
        )

        assert counts == {"200, held, kept": 64}
        assert (races.stock(), Reservation.objects.count()) == ([(8, 8)] * 8, 64)
        assert expiry.process.poll() is None
    races.assert_proven()


def test_logging_in_while_adding_to_both_carts_neither_loses_nor_doubles_a_unit(shop: Shop) -> None:
    users = races.logins(6)

    counts = races.log_in_while_adding(shop, users)

    assert counts == {"200": 6, "added to the guest's cart": 6, "added to the user's cart": 6, "all there": 6}
    assert races.refused(users) == {}
    assert "After the log-in" not in shop.log("web")  # every merge was made, the first time
    assert races.stock() == [(100_000, sum(user.units for user in users))]
    races.assert_proven()
