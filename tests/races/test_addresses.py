"""Addresses that several want to change at once, on real PostgreSQL. Each race has a control without what protects it."""

import threading
from collections.abc import Iterator
from functools import partial

import pgtrigger
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from psycopg.errors import DeadlockDetected, UniqueViolation

from accounts.models import User
from catalog import locks, operations
from catalog.models import Category, FormerCategoryAddress, FormerProductAddress, Product
from tests.factories import make_category, make_family, make_product
from tests.races.threads import PATIENCE_SECONDS, at_once
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
TAKES_FIRST = """
CREATE FUNCTION forget_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM catalog_formerproductaddress WHERE slug = NEW.slug; RETURN NEW; END $$;
CREATE TRIGGER forget_first BEFORE INSERT ON catalog_product FOR EACH ROW EXECUTE FUNCTION forget_first()
"""


@pytest.fixture
def taken_before_it_is_free() -> Iterator[None]:
    """The same trigger as ours, but before the row is in: the new product does not wait for the one that gives the address up."""
    pgtrigger.uninstall("catalog.Product:take_address")
    with connection.cursor() as cursor:
        cursor.execute(TAKES_FIRST)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER forget_first ON catalog_product; DROP FUNCTION forget_first()")
    pgtrigger.install("catalog.Product:take_address")


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database())"
        )
        (waits,) = cursor.fetchone()
    return bool(waits)


def give_up_and_take_at_once() -> None:
    """A product gives up "chair", and a new one takes it before the first has committed."""
    old, family = make_product(slug="chair"), make_family()
    given_up = threading.Event()

    def give_up() -> None:
        with transaction.atomic():
            Product.objects.filter(pk=old.pk).update(slug="armchair")
            given_up.set()
            wait_for(somebody_waits, "the other waits")

    def take() -> None:
        given_up.wait(PATIENCE_SECONDS)
        make_product(slug="chair", family=family)

    assert at_once([give_up, take]) == [None, None]


def test_an_address_taken_while_it_is_given_up_belongs_to_the_new_product() -> None:
    give_up_and_take_at_once()

    assert sorted(Product.objects.values_list("slug", flat=True)) == ["armchair", "chair"]
    assert not FormerProductAddress.objects.exists()


@pytest.mark.usefixtures("taken_before_it_is_free")
def test_control_taken_before_it_is_free_an_address_belongs_to_two() -> None:
    give_up_and_take_at_once()

    assert list(FormerProductAddress.objects.values_list("slug", flat=True)) == ["chair"]
    assert Product.objects.filter(slug="chair").exists()


def test_products_that_change_addresses_at_once_leave_no_address_to_two_and_no_circle() -> None:
    family = make_family()
    products = [make_product(slug=f"slug-{number}", family=family) for number in range(6)]

    def wander(place: int) -> int:
        renamed = 0
        for step in range(12):
            try:
                renamed += Product.objects.filter(pk=products[place].pk).update(slug=f"slug-{(place * 5 + step) % 9}")
            except (IntegrityError, OperationalError) as refused:
                # Taken; or three of them each want the next one's, and PostgreSQL refuses one.
                assert isinstance(refused.__cause__, UniqueViolation | DeadlockDetected)  # noqa: PT017 - the others go on
        return renamed

    results = at_once([partial(wander, place) for place in range(len(products))])

    assert [renamed for renamed in results if not isinstance(renamed, int)] == []
    assert sum(results) > len(products)
    former = set(FormerProductAddress.objects.values_list("slug", flat=True))
    assert former
    assert not former & set(Product.objects.values_list("slug", flat=True))


def rename(category: Category, slug: str) -> None:
    with transaction.atomic(durable=True):
        operations.hold_categories()
        Category.objects.filter(pk=category.pk).update(slug=slug)
        operations.readdress_categories()


def rename_parent_and_child_at_once() -> list[str]:
    """The addresses of a department and its category after both were given new slugs."""
    kitchen = make_category(name="Kitchen")
    pans = make_category(kitchen, name="Pans")
    assert at_once([partial(rename, kitchen, "cooking"), partial(rename, pans, "skillets")]) == [None, None]
    return list(Category.objects.order_by("depth").values_list("slug_path", flat=True))


def test_a_category_renamed_while_it_is_taken_along_has_its_new_address() -> None:
    assert rename_parent_and_child_at_once() == ["cooking", "cooking/skillets"]
    owners = dict(FormerCategoryAddress.objects.values_list("slug_path", "category__slug_path"))
    assert owners.items() >= {"kitchen": "cooking", "kitchen/pans": "cooking/skillets"}.items()
    assert not owners.keys() & set(owners.values())


def test_control_without_the_lock_on_the_tree_it_has_an_address_of_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    both_are_here = threading.Barrier(2)
    monkeypatch.setattr(locks, "category_tree", partial(both_are_here.wait, PATIENCE_SECONDS))

    assert rename_parent_and_child_at_once() == ["cooking", "cooking/pans"]


def test_two_members_of_staff_who_save_at_once_wait_for_each_other() -> None:
    categories = [make_category(name=name) for name in ("Garden", "Kitchen", "Office", "Toys")]
    form = {"is_active": "on", "treebeard_position": "sorted-child", "treebeard_ref_node": ""}

    def save(client: Client, category: Category) -> int:
        address = reverse("admin:catalog_category_change", args=[category.pk])
        slug = f"new-{category.slug}"
        return client.post(address, {**form, "name": f"A {category.name}", "slug": slug}).status_code

    clients = [Client() for _ in categories]
    for number, client in enumerate(clients):
        client.force_login(User.objects.create_superuser(f"staff{number}@example.com", "irrelevant"))

    answers = at_once([partial(save, client, row) for client, row in zip(clients, categories, strict=True)])

    assert answers == [302] * len(categories)
    rows = Category.objects.order_by("path").values_list("slug_path", flat=True)
    assert list(rows) == ["new-garden", "new-kitchen", "new-office", "new-toys"]
    assert Category.objects.find_problems() == ([], [], [], [], [])
