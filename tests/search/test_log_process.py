"""The log as a whole shop writes it: by gunicorn's workers, to their very end."""

import os
import signal
import uuid

import httpx
import pytest

from search import services
from tests.factories import make_product
from tests.search.conftest import NOW
from tests.search.logs import CLICKS, clicks, logged
from tests.servers.shop import database_of_tests, running_shop
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]


def test_what_a_worker_was_told_last_is_in_the_log_when_it_has_ended() -> None:
    make_product(title="Lamp")
    services.build_documents(now=NOW)
    with running_shop(
        database_url=database_of_tests(), valkey_url=os.environ["VALKEY_URL"], workers=2, parts=["web"]
    ) as shop:
        found = httpx.get(f"{shop.url}/api/v1/search", params={"q": "lamp"}).json()
        wait_for(logged, "the search to be written by itself")
        told = {"search_id": found["search_id"], "position": 1, "product_id": found["results"][0]["id"]}
        for _ in range(20):
            assert httpx.post(f"{shop.url}{CLICKS}", json=told).status_code == 202
        shop.processes["web"].send_signal(signal.SIGTERM)
        assert shop.processes["web"].wait(timeout=10) == 0

    assert [row.id for row in logged()] == [uuid.UUID(found["search_id"])]
    assert len(clicks()) == 20
