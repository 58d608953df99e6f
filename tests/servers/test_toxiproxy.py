"""Troubles on the way to a real Elasticsearch, as its client meets them; each ends with its `with`."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from elasticsearch import ConnectionError as NoConnection
from elasticsearch import ConnectionTimeout, Elasticsearch, TransportError

from tests.servers.elasticsearch import shared_elasticsearch
from tests.servers.toxiproxy import Way, running_toxiproxy

pytestmark = [pytest.mark.servers, pytest.mark.fault]
DEADLINE = 0.5
HALF = 250  # bytes: behind the headers of an answer, before the end of its body
Trouble = Callable[[Way], AbstractContextManager[None]]


@pytest.fixture
def way() -> Iterator[Way]:
    """To the run's Elasticsearch."""
    url = shared_elasticsearch()
    with running_toxiproxy() as toxiproxy:
        yield toxiproxy.before(url)


@pytest.mark.parametrize(
    ("trouble", "error", "waits"),
    [
        (Way.refusing, NoConnection, False),
        (Way.silent, ConnectionTimeout, True),
        (Way.deaf, ConnectionTimeout, True),
        (lambda way: way.cutting_after(HALF), NoConnection, False),
        (lambda way: way.slow(DEADLINE * 4), ConnectionTimeout, True),
    ],
    ids=["refusing", "silent", "deaf", "half an answer", "slow"],
)
def test_a_trouble_meets_open_and_new_connections_and_goes(
    way: Way, trouble: Trouble, error: type[TransportError], waits: bool
) -> None:
    def client() -> Elasticsearch:
        return Elasticsearch(way.url, max_retries=0, request_timeout=DEADLINE)

    def health(asked: Elasticsearch) -> str:
        return str(asked.cluster.health()["cluster_name"])

    open_already, new = client(), client()
    assert health(open_already) == "shop-tests"

    with trouble(way):
        for asked in (open_already, new):
            begin = time.monotonic()
            with pytest.raises(error):
                health(asked)
            assert (time.monotonic() - begin >= DEADLINE) == waits

    assert health(open_already) == health(new) == "shop-tests"


def test_a_slow_way_is_slow_by_as_much_as_was_said_and_answers_whole(way: Way) -> None:
    client = Elasticsearch(way.url, max_retries=0, request_timeout=10)
    begin = time.monotonic()

    with way.slow(0.3):
        answer = client.cluster.health()

    assert answer["number_of_nodes"] == 1
    assert time.monotonic() - begin >= 0.3


def test_what_was_written_over_a_silent_way_was_written_though_nobody_said_so(way: Way) -> None:
    straight = Elasticsearch(shared_elasticsearch())
    index = f"test-{way.url.rpartition(':')[2]}"
    straight.indices.create(index=index, settings={"number_of_replicas": 0})

    with way.silent(), pytest.raises(ConnectionTimeout):
        Elasticsearch(way.url, max_retries=0, request_timeout=2).index(index=index, id="1", document={"title": "Lamp"})

    assert straight.get(index=index, id="1")["_source"] == {"title": "Lamp"}
    straight.indices.delete(index=index)
