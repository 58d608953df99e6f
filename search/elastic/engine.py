"""The engine that searches in Elasticsearch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from search.elastic import indexes
from search.elastic.client import client, failures
from search.elastic.counting import aggregations, counts_of
from search.elastic.queries import beginning_with, main_query, only, sorting, variants_that_fit
from search.errors import EngineFailed
from search.types import EXACT_TO, Found, Hit, SearchRequest

KEEP_ALIVE = "2m"
SHOWN = "shown"


class ElasticsearchEngine:
    """Asks the alias, and on a walk by cursor a point in time: what changes meanwhile neither comes twice nor is left out.

    The point is made when a walk goes on behind its first page, so that searches that nobody walks on from make none. What was on
    that page is left out of it by name, for by then other families may be where those were.
    """

    name = "elasticsearch"

    def search(self, request: SearchRequest, *, seconds: float) -> Found:
        """See `search.types.Engine`. Raises EngineFailed and RequestRefused."""
        body = _body(request, seconds)
        with failures():
            answer = _ask(body, request, seconds)
        return _found(answer, request)

    def suggest(self, words: tuple[str, ...], *, size: int, seconds: float) -> tuple[Hit, ...]:
        """See `search.types.Engine`. Raises EngineFailed and RequestRefused."""
        body = {
            "query": beginning_with(words),
            "sort": [{"in_stock": "desc"}, {"popularity": "desc"}, {"family_id": "desc"}],
            "size": size,
            "track_total_hits": False,
            "_source": ["product_id"],
        }
        with failures():
            answer = client(seconds=seconds).search(index=indexes.alias(), body=body)
        hits = answer["hits"]["hits"]
        return tuple(Hit(family_id=int(hit["_id"]), product_id=hit["_source"]["product_id"]) for hit in hits)


def _body(request: SearchRequest, seconds: float) -> dict[str, Any]:
    fitting = variants_that_fit(request.filters)
    fitting["nested"]["inner_hits"] = {
        "name": SHOWN,
        "size": 1,
        "_source": ["variants.product_id"],
        "sort": [
            {"variants.in_stock": "desc"},
            {"variants.position": "asc"},
            {"variants.product_id": "asc"},
        ],
    }
    shown = {"ids": {"values": [str(family_id) for family_id in (request.after or {}).get("shown", ())]}}
    body: dict[str, Any] = {
        "query": main_query(request),
        "post_filter": {
            "bool": {"filter": [*only(request.filters, of_variants=False), fitting], "must_not": [shown]},
        },
        "sort": sorting(request),
        "size": request.size,
        "track_total_hits": EXACT_TO,
        "timeout": f"{max(1, int(seconds * 1000))}ms",
        "_source": False,
    }
    if request.with_facets:
        body["aggs"] = aggregations(request.filters)
    return body


def _ask(body: dict[str, Any], request: SearchRequest, seconds: float) -> Mapping[str, Any]:
    """From the cursor's point in time, made where the walk begins; where it has ended, the walk goes on in what there is now."""
    asked = _Asked(time.monotonic() + seconds)
    after = request.after or {}
    if after.get("engine") != ElasticsearchEngine.name:
        return asked.search(index=indexes.alias(), body={**body, "from": after.get("seen", request.offset)})
    pit = after.get("pit")
    if pit:
        try:
            return asked.at(pit, {**body, "search_after": after["values"]})
        except NotFoundError:
            body["search_after"] = after["values"]
    else:
        body["from"] = after["seen"] - len(after["shown"])
    return asked.at(asked.point_in_time(), body)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Requests that have until ``end`` together, by the monotonic clock."""

    end: float

    def search(self, **asked: Any) -> Mapping[str, Any]:
        return dict(self._client().search(**asked))

    def at(self, pit: str, body: dict[str, Any]) -> Mapping[str, Any]:
        return self.search(body={**body, "pit": {"id": pit, "keep_alive": KEEP_ALIVE}})

    def point_in_time(self) -> str:
        return str(self._client().open_point_in_time(index=indexes.alias(), keep_alive=KEEP_ALIVE)["id"])

    def _client(self) -> Elasticsearch:
        return client(seconds=max(0.001, self.end - time.monotonic()))


def _found(answer: Mapping[str, Any], request: SearchRequest) -> Found:
    if answer.get("timed_out") or answer["_shards"]["failed"]:
        raise EngineFailed("Elasticsearch answered for a part of the documents only")
    hits = answer["hits"]["hits"]
    total = answer["hits"]["total"]
    told = answer.get("aggregations", {})
    average = told.get("average_rating", {}).get("rating", {}).get("value")
    count = total["value"] + len((request.after or {}).get("shown", ()))
    return Found(
        hits=tuple(_hit(hit) for hit in hits),
        total=min(count, EXACT_TO),
        total_is_exact=total["relation"] == "eq" and count <= EXACT_TO,
        counts=counts_of(told, request.filters),
        average_rating=None if average is None else round(Decimal(average), 2),
        after=_after(answer, request) if len(hits) == request.size else None,
    )


def _hit(hit: Mapping[str, Any]) -> Hit:
    (shown,) = hit["inner_hits"][SHOWN]["hits"]["hits"]
    return Hit(family_id=int(hit["_id"]), product_id=shown["_source"]["product_id"])


def _after(answer: Mapping[str, Any], request: SearchRequest) -> dict[str, Any]:
    hits = answer["hits"]["hits"]
    before = int((request.after or {}).get("seen", request.offset))
    found = {"engine": ElasticsearchEngine.name, "values": list(hits[-1]["sort"]), "seen": before + len(hits)}
    if "pit_id" in answer:
        return {**found, "pit": answer["pit_id"], "shown": (request.after or {}).get("shown", [])}
    return {**found, "shown": [int(hit["_id"]) for hit in hits]}
