"""Documents on their way into Elasticsearch: no change is lost and none comes late, whatever is built or killed meanwhile."""

import json
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from catalog import services as catalog
from catalog.models import Product
from search import copying, services
from search.elastic import indexes
from search.elastic.client import client
from search.errors import EngineFailed, IndexIncomplete, NothingToRollBack
from search.models import SearchDocument, SearchIndex
from tests.factories import make_product
from tests.search.conftest import NOW, fill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.usefixtures("elastic")]


def there() -> dict[int, tuple[int, Any]]:
    """What Elasticsearch has: version and price by family; no price for what is hidden."""
    name = indexes.alias()
    indexes.refresh(name)
    found = client().search(index=name, size=1000, version=True, query={"match_all": {}})
    return {int(hit["_id"]): (hit["_version"], hit["_source"].get("price")) for hit in found["hits"]["hits"]}


def here() -> dict[int, tuple[int, Any]]:
    """The same as PostgreSQL has it."""
    return {row.pk: (row.version, row.document.get("price")) for row in SearchDocument.objects.all()}


def follow() -> None:
    services.build_documents(now=NOW)
    copying.send_changes(now=NOW)


def test_what_changes_is_sent_once_and_what_is_hidden_too() -> None:
    products = [make_product(stock=1) for _ in range(3)]
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)
    sent_by_the_build = copying.send_changes(now=NOW)

    Product.objects.filter(pk=products[0].pk).update(price=Decimal("7.50"))
    catalog.take_off_sale(product_ids=[products[1].pk], now=NOW)
    services.build_documents(now=NOW)

    assert (sent_by_the_build, copying.send_changes(now=NOW), copying.send_changes(now=NOW)) == (0, 2, 0)
    assert there() == here()
    assert there()[products[0].family_id] == (2, 7.5)
    assert there()[products[1].family_id] == (2, None)


def test_a_late_update_never_wins() -> None:
    product = make_product(price="10.00")
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)
    late = SearchDocument.objects.get()
    catalog.take_off_sale(product_ids=[product.pk], now=NOW)
    follow()

    indexes.send([indexes.Sent(late.pk, late.version, json.dumps(late.document))], [SearchIndex.objects.get().name])

    assert there() == {product.family_id: (2, None)}


def test_changes_while_an_index_is_built_are_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 4)
    fill(12)
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)
    prices: list[int] = []

    def meanwhile(_documents: int) -> None:
        prices.append(len(prices) + 1)
        Product.objects.update(price=Decimal(prices[-1]))
        if len(prices) < 4:
            make_product()
        follow()

    name = copying.build_index(now=NOW + timedelta(seconds=1), advance=meanwhile)

    assert indexes.serving() == {name}
    assert there() == here()
    assert len(here()) > 12


def test_a_build_that_was_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 5)
    monkeypatch.setattr(copying, "SENDERS", 1)
    fill(20)
    services.build_documents(now=NOW)
    old = copying.build_index(now=NOW)

    def die(_documents: int) -> None:
        if SearchIndex.objects.get(state="building").built_to:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.build_index(now=NOW + timedelta(seconds=1), advance=die)
    served_meanwhile = indexes.serving()
    steps: list[int] = []
    name = copying.build_index(now=NOW + timedelta(seconds=2), advance=steps.append)

    assert served_meanwhile == {old}
    assert steps == [5, 5, 5, 5]  # those of the first time are told in one
    assert indexes.serving() == {name}
    assert there() == here()


def test_several_batches_are_sent_at_once_and_a_failure_of_one_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 3)
    fill(20)
    services.build_documents(now=NOW)
    send, together = indexes.send, threading.Barrier(copying.SENDERS)
    bulks: list[int] = []

    def sent(documents: Any, names: Any, **more: Any) -> None:
        bulks.append(len(documents))
        if len(bulks) <= copying.SENDERS:
            together.wait(10)  # for the others: one after the other they would never come
        send(documents, names, **more)

    monkeypatch.setattr(indexes, "send", sent)
    old = copying.build_index(now=NOW)
    in_old = there()

    def failing(documents: Any, names: Any, **more: Any) -> None:
        if any(document.family_id == max(here()) for document in documents):
            raise EngineFailed("full")
        send(documents, names, **more)

    monkeypatch.setattr(indexes, "send", failing)
    with pytest.raises(EngineFailed, match="full"):
        copying.build_index(now=NOW + timedelta(seconds=1))
    served = indexes.serving()
    monkeypatch.setattr(indexes, "send", send)
    new = copying.build_index(now=NOW + timedelta(seconds=2))

    assert sorted(bulks[:7]) == [2, 3, 3, 3, 3, 3, 3]  # then what has changed is sent
    assert (served, indexes.serving()) == ({old}, {new})
    assert in_old == there() == here()


def test_an_index_that_lacks_documents_is_not_put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(5)
    services.build_documents(now=NOW)
    old = copying.build_index(now=NOW)
    monkeypatch.setattr(indexes, "count_live", lambda _: 4)

    with pytest.raises(IndexIncomplete, match="has 4 documents that can be found, and there are 5"):
        copying.build_index(now=NOW + timedelta(seconds=1))

    assert indexes.serving() == {old}


def test_a_roll_back_lets_the_former_index_serve_with_what_changed_since() -> None:
    product = make_product(price="10.00")
    services.build_documents(now=NOW)
    first = copying.build_index(now=NOW)
    with pytest.raises(NothingToRollBack):
        copying.roll_back(now=NOW)
    copying.build_index(now=NOW + timedelta(seconds=1))
    Product.objects.filter(pk=product.pk).update(price=Decimal(8))
    services.build_documents(now=NOW + timedelta(seconds=2))
    copying.send_changes(now=NOW)

    assert copying.roll_back(now=NOW + timedelta(seconds=3)) == first
    copying.send_changes(now=NOW)

    assert indexes.serving() == {first}
    assert there() == here() == {product.family_id: (2, 8.0)}


def test_one_index_is_kept_for_a_roll_back_and_older_ones_go() -> None:
    make_product()
    services.build_documents(now=NOW)
    names = [copying.build_index(now=NOW + timedelta(seconds=at)) for at in range(4)]

    assert indexes.all_of_ours() == set(names[2:])
    assert list(SearchIndex.objects.order_by("pk").values_list("state", flat=True)) == [
        "dropped",
        "dropped",
        "kept",
        "serving",
    ]


def test_what_elasticsearch_did_not_take_is_sent_when_it_is_back(settings: Settings) -> None:
    product = make_product(price="10.00")
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)
    url = settings.ELASTICSEARCH_URL
    Product.objects.filter(pk=product.pk).update(price=Decimal(5))
    services.build_documents(now=NOW)

    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9"
    with pytest.raises(EngineFailed):
        copying.send_changes(now=NOW)
    settings.ELASTICSEARCH_URL = url
    sent = copying.send_changes(now=NOW)

    assert sent == 1
    assert there() == {product.family_id: (2, 5.0)}


def test_an_index_that_is_lost_is_noticed_never_made_by_a_write_and_built_anew() -> None:
    product = make_product()
    services.build_documents(now=NOW)
    name = copying.build_index(now=NOW)
    indexes.drop([name])
    Product.objects.filter(pk=product.pk).update(price=Decimal(5))
    services.build_documents(now=NOW)

    with pytest.raises(EngineFailed, match="refused 1 documents"):
        copying.send_changes(now=NOW)

    assert indexes.all_of_ours() == set()
    assert not copying.is_complete()
    anew = copying.build_missing_index(now=NOW + timedelta(seconds=1))
    assert copying.build_missing_index(now=NOW + timedelta(seconds=2)) is None
    assert indexes.serving() == {anew}
    assert there() == here()
