"""`load_demo`, from the command line's point of view."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db.models import Sum
from PIL import Image

from catalog import selectors
from catalog.models import Category, Product
from core.clock import now
from inventory.models import Inventory
from inventory.services import check_inventory
from orders.models import Order

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*(str(argument) for argument in arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def assert_ledger_adds_up() -> None:
    assert check_inventory(now=now()).differences == ()


def test_the_demo_is_a_shop_to_walk_through(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path

    run("load_demo", "--orders", 300)

    assert len(selectors.departments()) == 8
    assert Category.objects.filter(depth=2).count() == 40
    assert 900 <= Product.objects.count() <= 2400
    assert_ledger_adds_up()
    available = Inventory.objects.values("product").annotate(total=Sum("quantity"))
    assert 0 < available.filter(total=0).count() < 0.1 * Product.objects.count()
    home = selectors.home()
    assert len(home.popular) == len(home.newest) == len(home.deals) == 12
    assert Order.objects.count() == 300
    assert Product.objects.filter(compare_at_price__isnull=False).count() > 100
    roles = get_user_model().objects.filter(is_staff=True, groups__isnull=False)
    assert set(roles.values_list("groups__name", flat=True)) == {"catalogue", "warehouse", "support"}
    picture = home.popular[0].picture
    assert picture is not None
    with Image.open(tmp_path / picture.card_url.removeprefix("/media/")) as card:
        assert card.size == (400, 400)
        assert len(card.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 100
    _assert_again_is_harmless()


def _assert_again_is_harmless() -> None:
    before = list(Product.objects.order_by("pk").values_list("pk", "sku", "slug", "price", "rating"))
    user = get_user_model().objects.get(email="shopper@example.com")
    user.set_password("my own now")
    user.save()

    run("load_demo", "--orders", 300)

    assert list(Product.objects.order_by("pk").values_list("pk", "sku", "slug", "price", "rating")) == before
    assert get_user_model().objects.get(email="shopper@example.com").check_password("my own now")
    assert_ledger_adds_up()


def test_the_demo_is_refused_in_production(settings: Any) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="refused"):
        run("load_demo")

    assert Product.objects.count() == 0
    assert get_user_model().objects.count() == 0
