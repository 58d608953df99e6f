"""The controls of test_stock_over_http.py: the same clients at a shop whose lock has been taken out. Each must go wrong.

The shop without a lock (tests.servers.unlocked) lets requests wait where the lock was until the test says that all are there: so
what can happen does happen, each time.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inventory.models import Reservation
from tests.races import over_http as races
from tests.servers.paused_expiry import HAS_READ, running_expiry
from tests.servers.pausing import controlling
from tests.servers.unlocked import HAVE_READ, MERGING
from tests.servers.unlocked_web import UnlockedShop, unlocked_shop
from tests.servers.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.race,
    pytest.mark.servers,
    pytest.mark.xdist_group("stock over HTTP"),
]


@pytest.fixture(scope="module")
def unlocked(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnlockedShop]:
    """Without the lock on stock."""
    with unlocked_shop("stock", tmp_path_factory.mktemp("unlocked")) as shop:
        yield shop


def oversold(unlocked: UnlockedShop) -> int:
    """How often the database has refused an oversold row, as the shop's log tells."""
    refusal = 'IntegrityError: new row for relation "inventory_inventory" violates check constraint'
    return unlocked.shop.log("web").count(f'{refusal} "inventory_never_oversold"')


def test_control_all_sixty_four_take_one_of_ten_and_meet_the_check(unlocked: UnlockedShop) -> None:
    """Expected: each of 64 finds a unit and takes it; what is too much meets the CHECK, as a server error."""
    unlocked.controller.hold_at(HAVE_READ, number=64)
    before = oversold(unlocked)

    counts = races.take_the_last(unlocked.shop, unlocked.meet)
    assert len(set(unlocked.controller.wait_for_all())) > 1  # they were in several processes

    assert counts == {"201": 10, "500 server_error": 54}
    assert (oversold(unlocked) - before, races.stock()) == (54, [(10, 10)])


def test_control_all_sixty_four_take_two_of_forty_and_meet_the_check(unlocked: UnlockedShop) -> None:
    """Expected: each of 64 finds two more units and takes them; what is too much meets the CHECK, as a server error."""
    unlocked.controller.hold_at(HAVE_READ, number=64)
    before = oversold(unlocked)

    counts = races.raise_quantities(unlocked.shop, unlocked.meet)

    assert counts == {"200": 20, "500 server_error": 44}
    assert (oversold(unlocked) - before, races.stock()) == (44, [(104, 104)])


def test_control_all_are_turned_away_from_units_that_the_expiry_sets_free(
    unlocked: UnlockedShop, tmp_path: Path
) -> None:
    """Expected: nothing is oversold, but shoppers who saw no unit free find no lapsed hold either, and all go without."""
    with controlling(tmp_path) as controller, running_expiry(tmp_path, controller) as expiry:
        unlocked.controller.hold_at(HAVE_READ, number=64)

        def expire_while_they_decide() -> None:
            unlocked.controller.wait_for_all()
            controller.let_go()
            wait_for(lambda: expiry.holds == 32, "the expiry has released all")
            unlocked.meet()

        counts = races.add_what_has_lapsed(unlocked.shop, expire_while_they_decide)

    assert counts == {"409 insufficient_inventory": 64}
    assert (races.stock(), Reservation.objects.count()) == ([(4, 0)] * 16, 0)


def test_control_the_expiry_takes_holds_that_were_renewed(unlocked: UnlockedShop, tmp_path: Path) -> None:
    """Expected: nothing is oversold, but all are told that their line is held, and none is."""
    with controlling(tmp_path) as controller, running_expiry(tmp_path, controller, products=500) as expiry:

        def let_it_read() -> None:
            controller.let_go(then_hold_at=HAS_READ)
            controller.wait_for_worker()

        def let_it_release() -> None:
            controller.let_go()
            wait_for(lambda: expiry.holds == 64, "the expiry has released all")

        counts = races.hold_again(
            unlocked.shop, lapse=-races.LONG_AGO, apart=timedelta(0), first=let_it_read, then=let_it_release
        )

    assert counts == {"200, held, lost": 64}
    assert (races.stock(), Reservation.objects.count()) == ([(8, 0)] * 8, 0)


def test_control_without_the_lock_on_carts_a_login_loses_what_is_added_meanwhile(
    django_db_setup: None, tmp_path: Path
) -> None:
    """Expected: nothing is oversold, but of what was added between a merge's reading and its writing, something is gone."""
    with unlocked_shop("carts", tmp_path) as unlocked:
        users = races.logins(6)
        unlocked.controller.hold_at(MERGING, number=6)

        def add_while_they_merge() -> None:
            unlocked.controller.wait_for_all()
            for user in users:
                user.enough.set()  # each adds one more
            wait_for(lambda: not any(user.adding for user in users), "all have added")
            unlocked.controller.let_go()

        counts = races.log_in_while_adding(unlocked.shop, users, add_while_they_merge)

    assert counts == {"200": 6, "added to the guest's cart": 6, "added to the user's cart": 6, "wrong": 6}
    assert all(user.found < user.units for user in users)
    assert races.refused(users) == {}
