"""What the Elasticsearch made of jars can do: all that the shop's search stands on, and to crash."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import ConflictError, Elasticsearch
from elasticsearch.helpers import bulk

from tests.servers.elasticsearch import private_elasticsearch, shared_elasticsearch

pytestmark = pytest.mark.servers
SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "analysis": {
        "tokenizer": {"words": {"type": "pattern", "pattern": r"[^\p{L}\p{N}]+"}},
        "filter": {
            "stop": {"type": "stop", "stopwords": ["the", "with"]},
            "stem": {"type": "snowball", "language": "English"},
            "beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": 12},
        },
        "normalizer": {"folded": {"type": "custom", "filter": ["lowercase", "asciifolding"]}},
        "analyzer": {
            "shop": {
                "type": "custom",
                "tokenizer": "words",
                "filter": ["lowercase", "asciifolding", "stop", "stem"],
            },
            "beginning": {"type": "custom", "tokenizer": "words", "filter": ["lowercase", "beginnings"]},
        },
    },
}
MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "title": {"type": "text", "analyzer": "shop"},
        "suggest": {"type": "text", "analyzer": "beginning", "search_analyzer": "standard"},
        "begins": {"type": "text", "analyzer": "standard", "index_prefixes": {"min_chars": 2, "max_chars": 12}},
        "brand": {"type": "keyword", "normalizer": "folded"},
        "price": {"type": "double"},
        "popularity": {"type": "float"},
        "released_at": {"type": "date"},
        "attributes": {
            "type": "nested",
            "properties": {"name": {"type": "keyword"}, "value": {"type": "keyword"}},
        },
    },
}


@pytest.fixture
def client() -> Elasticsearch:
    """Of the run's node."""
    return Elasticsearch(shared_elasticsearch())


@pytest.fixture
def index(client: Elasticsearch) -> Iterator[str]:
    """An index of nine lamps, of which every third is red."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    _fill(client, name, 9)
    yield name
    client.indices.delete(index=[name, f"{name}-other"], ignore_unavailable=True)


def _fill(client: Elasticsearch, index: str, documents: int) -> None:
    client.indices.create(index=index, settings=SETTINGS, mappings=MAPPINGS)
    actions = (
        {
            "_index": index,
            "_id": str(number),
            "_version": 5,
            "_version_type": "external",
            "_source": {
                "title": f"Running lamps with the café number {number}",
                "suggest": "Running lamps",
                "begins": "Running lamps",
                "brand": "Émile" if number % 2 else "Other",
                "price": 10.0 * number,
                "popularity": number,
                "released_at": f"2026-01-0{number + 1}",
                "attributes": [{"name": "colour", "value": "blue" if number % 3 else "red"}],
            },
        }
        for number in range(documents)
    )
    assert bulk(client, actions, refresh="wait_for") == (documents, [])


def _found(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ({"match": {"title": "runs LAMP"}}, 9),
        ({"match": {"title": "cafe"}}, 9),
        ({"match": {"title": "the"}}, 0),
        ({"match": {"suggest": "runn"}}, 9),
        ({"match": {"suggest": "unning"}}, 0),
        ({"prefix": {"begins": {"value": "lam"}}}, 9),
        ({"term": {"brand": "EMILE"}}, 4),
    ],
)
def test_text_is_stemmed_folded_and_found_by_its_beginnings(
    client: Elasticsearch, index: str, query: dict[str, Any], hits: int
) -> None:
    assert client.count(index=index, query=query)["count"] == hits


def test_scores_follow_a_field_and_fall_with_age_without_scripts(client: Elasticsearch, index: str) -> None:
    everything: dict[str, Any] = {"match_all": {}}
    liked = {"field_value_factor": {"field": "popularity", "modifier": "log1p", "missing": 0}}
    recent = {"gauss": {"released_at": {"origin": "2026-01-01", "scale": "1d"}}}

    by_liking = client.search(index=index, query={"function_score": {"query": everything, "functions": [liked]}})
    by_age = client.search(index=index, query={"function_score": {"query": everything, "functions": [recent]}})

    assert _found(by_liking) == [str(number) for number in reversed(range(9))]
    assert _found(by_age) == [str(number) for number in range(9)]


def test_nested_attributes_are_counted_by_name_beside_filters(client: Elasticsearch, index: str) -> None:
    values = {"values": {"terms": {"field": "attributes.value"}}}
    names = {"names": {"terms": {"field": "attributes.name"}, "aggs": values}}
    cheap = {
        "filter": {"range": {"price": {"lt": 50}}},
        "aggs": {"in": {"nested": {"path": "attributes"}, "aggs": names}},
    }

    answer = client.search(index=index, size=0, track_total_hits=True, aggs={"cheap": cheap})

    (name,) = answer["aggregations"]["cheap"]["in"]["names"]["buckets"]
    assert {bucket["key"]: bucket["doc_count"] for bucket in name["values"]["buckets"]} == {"blue": 3, "red": 2}
    assert answer["hits"]["total"] == {"value": 9, "relation": "eq"}


def test_a_walk_over_a_point_in_time_sees_nothing_of_what_changes_meanwhile(client: Elasticsearch, index: str) -> None:
    moment = client.open_point_in_time(index=index, keep_alive="1m")["id"]
    walked: list[str] = []
    after: list[Any] | None = None

    while True:
        page = client.search(
            size=4, sort=[{"price": "desc"}], search_after=after, pit={"id": moment, "keep_alive": "1m"}
        )
        if not _found(page):
            break
        walked += _found(page)
        after = page["hits"]["hits"][-1]["sort"]
        client.delete(index=index, id=str(len(walked) - 4), refresh=True)

    assert walked == [str(number) for number in reversed(range(9))]
    assert client.close_point_in_time(id=moment)["succeeded"]


def test_an_external_version_keeps_late_updates_out_and_what_was_removed_away(
    client: Elasticsearch, index: str
) -> None:
    def write(version: int) -> None:
        client.index(index=index, id="1", document={"price": version}, version=version, version_type="external")

    write(7)
    with pytest.raises(ConflictError):
        write(6)
    client.delete(index=index, id="1", version=8, version_type="external")
    with pytest.raises(ConflictError):
        write(7)

    assert not client.exists(index=index, id="1")


def test_an_alias_moves_from_one_index_to_another_in_one_step(client: Elasticsearch, index: str) -> None:
    alias, other = f"{index}-alias", f"{index}-other"
    _fill(client, other, 2)
    client.indices.update_aliases(actions=[{"add": {"index": index, "alias": alias}}])
    before = client.count(index=alias)["count"]

    moves = [{"remove": {"index": index, "alias": alias}}, {"add": {"index": other, "alias": alias}}]
    client.indices.update_aliases(actions=moves)

    assert (before, client.count(index=alias)["count"]) == (9, 2)


@pytest.mark.fault
def test_what_was_acknowledged_outlives_kill_9_and_an_end_in_order() -> None:
    with private_elasticsearch() as server:
        client = Elasticsearch(server.url, max_retries=0)
        first, url = server.process, server.url
        _fill(client, "test-kept", 9)

        server.kill()
        server.start()
        after_kill = client.get(index="test-kept", id="8")["_version"]
        client.delete(index="test-kept", id="8", version=6, version_type="external")
        server.stop()
        server.start()
        client.indices.refresh(index="test-kept")

        assert server.process != first
        assert (server.url, after_kill, client.count(index="test-kept")["count"]) == (url, 5, 8)
