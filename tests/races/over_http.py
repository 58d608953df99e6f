"""The races for stock, as clients of a running shop see them: the same code for a shop with its locks and for one without.

Each makes its own rows, lets everybody start at once, and returns how often each answer was given. ``meanwhile`` is done in the
test's own thread when all are under way.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db.models import Sum
from prometheus_client.mmap_dict import MmapedDict

from accounts import services as accounts
from accounts.models import User
from accounts.types import Account
from cart.models import CartItem
from catalog.models import Product
from core.clock import now
from inventory import services
from inventory.models import Inventory, Reservation
from tests.factories import PASSWORD, make_cart, make_cart_item, make_product
from tests.races.http_clients import Call, adding, answer, at_once, count
from tests.servers.shop import Shop

CROWD, UNITS = 64, 10
LONG_AGO = timedelta(minutes=1)  # before the run that the expiry is held at, too
Meanwhile = Callable[[], Any]


def nothing() -> None:
    """Where there is nothing to do meanwhile."""


def stock() -> list[tuple[int, int]]:
    """Quantity and reserved of all stock, by product."""
    return list(Inventory.objects.order_by("product_id").values_list("quantity", "reserved"))


def assert_proven() -> None:
    """Stock agrees with ledger and holds, holds with lines, and no row has promised more than there is."""
    report = services.check_inventory(now=now())
    assert (list(report.differences), report.oversold) == ([], 0)


def attempts_by_worker(shop: Shop) -> Counter[str]:
    """How often each web process has tried to hold stock, by its number, as their metrics say."""
    found: Counter[str] = Counter()
    for path in (shop.folder / "metrics").glob("counter_*.db"):
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
            if "inventory_reservations_total" in key:
                found[path.stem.removeprefix("counter_")] += int(value)
    return found


def take_the_last(shop: Shop, meanwhile: Meanwhile = nothing) -> Counter[str]:
    """64 guests, each with a cart of its own, want one of the last 10 units."""
    product = make_product(stock=UNITS)

    answers = at_once(shop.url, [adding(product.pk)] * CROWD, meanwhile=meanwhile)

    return count("64 add one of the last 10", map(answer, answers))


def raise_quantities(shop: Shop, meanwhile: Meanwhile = nothing) -> Counter[str]:
    """64 guests who hold one each want three, and there are 40 more, enough for 20 of them."""
    product = make_product(stock=CROWD + 40)
    until = now() + timedelta(minutes=30)
    items = [make_cart_item(cart=make_cart(), product=product, held_until=until) for _ in range(CROWD)]

    def change(item: CartItem, client: httpx.Client) -> httpx.Response:
        headers = {"X-Cart-Token": item.cart.token}
        return client.patch(f"/cart/items/{item.pk}", json={"quantity": 3}, headers=headers)

    answers = at_once(shop.url, [partial(change, item) for item in items], meanwhile=meanwhile)

    return count("64 raise 1 to 3, units for 20", map(answer, answers))


def add_what_has_lapsed(shop: Shop, meanwhile: Meanwhile) -> Counter[str]:
    """64 guests want 64 units, 4 of each of 16 products, and all of them lie in lapsed holds of others."""
    products = [make_product(stock=4) for _ in range(16)]
    lapsed = now() - LONG_AGO
    for product in products * 2:
        make_cart_item(cart=make_cart(), product=product, quantity=2, held_until=lapsed)

    answers = at_once(shop.url, [adding(product.pk) for product in products * 4], meanwhile=meanwhile)

    return count("64 add one of 64 in lapsed holds, beside the expiry", map(answer, answers))


def hold_again(
    shop: Shop, *, lapse: timedelta, apart: timedelta, first: Meanwhile, then: Meanwhile = nothing
) -> Counter[str]:
    """64 guests renew what they hold, which lapses one after the other; who was told so, and who still has it afterwards.

    The first lapses ``lapse`` from now, each other one ``apart`` later than the one before. ``first`` is done before they start,
    ``then`` when all have been answered.
    """
    products = [make_product(stock=8) for _ in range(8)]
    begin = now() + lapse
    items = [
        make_cart_item(cart=make_cart(), product=products[place % 8], held_until=begin + place * apart)
        for place in range(CROWD)
    ]

    def hold(item: CartItem, client: httpx.Client) -> str:
        response = client.post(f"/cart/items/{item.pk}/hold", headers={"X-Cart-Token": item.cart.token})
        held = response.is_success and response.json()["items"][0]["held"]
        return f"{answer(response)}{', held' if held else ''}"

    first()
    told = at_once(shop.url, [partial(hold, item) for item in items])
    then()
    kept = set(Reservation.objects.filter(expires_at__gt=now()).values_list("cart_line_id", flat=True))

    return count(
        "64 renew what lapses, beside the expiry",
        (f"{said}, {'kept' if item.pk in kept else 'lost'}" for said, item in zip(told, items, strict=True)),
    )


@dataclass(slots=True)
class Login:
    """A user with one unit in the cart who, with two more in a guest's, logs in; and what was added to both meanwhile."""

    user: User
    token: str
    guest: str
    product: Product
    enough: threading.Event = field(default_factory=threading.Event)
    adding: set[str] = field(default_factory=lambda: {"guest's", "user's"})
    added: Counter[str] = field(default_factory=Counter)

    @property
    def units(self) -> int:
        """How many there must be in the two carts together."""
        return 3 + sum(self.added[f"201 to the {whose} cart"] for whose in ("guest's", "user's"))

    @property
    def found(self) -> int:
        """How many there are in the two carts together."""
        lines = CartItem.objects.filter(cart__user=self.user) | CartItem.objects.filter(cart__token=self.guest)
        return int(lines.aggregate(units=Sum("quantity"))["units"])

    def log_in(self, client: httpx.Client) -> str:
        """POST /auth/login with the guest's cart."""
        try:
            given = {"email": self.user.email, "password": PASSWORD}
            return answer(client.post("/auth/login", json=given, headers={"X-Cart-Token": self.guest}))
        finally:
            self.enough.set()

    def keep_adding(self, whose: str, client: httpx.Client) -> str:
        """Add one at a time to one of the carts until the log-in is answered, or the test says that it is enough."""
        headers = {"X-Cart-Token": self.guest} if whose == "guest's" else {"Authorization": f"Token {self.token}"}
        while True:
            last = self.enough.is_set()  # one more after it: into a cart that has been emptied
            told = answer(adding(self.product.pk, headers)(client))
            self.added[f"{told} to the {whose} cart"] += 1
            if last:
                self.adding.remove(whose)
                return f"added to the {whose} cart"


def logins(number: int) -> list[Login]:
    """Users who have been here before, and guests who will turn out to be them."""
    # As slow to verify as in a shop, but made only once.
    encoded = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-tests-only")
    product = make_product(stock=100_000, max_per_order=100_000)
    until = now() + timedelta(minutes=30)
    made = []
    for _ in range(number):
        user = User.objects.create(email=f"{secrets.token_hex(6)}@example.com", password=encoded)
        guest = make_cart()
        make_cart_item(cart=make_cart(user=user), product=product, quantity=1, held_until=until)
        make_cart_item(cart=guest, product=product, quantity=2, held_until=until)
        session = accounts.open_session(account=Account(user_id=user.pk, email=user.email), cart_token="", now=now())
        made.append(Login(user, session.token, guest.token, product))
    return made


def refused(users: list[Login]) -> Counter[str]:
    """What additions were told that were not made."""
    told = Counter(key for user in users for key in user.added.elements())
    return Counter({key: times for key, times in told.items() if not key.startswith("201")})


def log_in_while_adding(shop: Shop, users: list[Login], meanwhile: Meanwhile = nothing) -> Counter[str]:
    """All log in while others add to their two carts; which users have afterwards what was added, and which do not."""
    calls: list[Call[str]] = [user.log_in for user in users]
    calls += [partial(user.keep_adding, whose) for user in users for whose in ("guest's", "user's")]

    told = at_once(shop.url, calls, meanwhile=meanwhile)

    counts = count("log in while adding to both carts", told)
    count("  the additions", (key for user in users for key in user.added.elements()))
    units = count("  the units", ("all there" if user.found == user.units else "wrong" for user in users))
    return counts + units
