"""The engine that searches in Elasticsearch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.conf import settings
from elasticsearch import Elasticsearch, NotFoundError

from search.elastic import indexes
from search.elastic.client import client, failures
from search.elastic.counting import aggregations, counts_of
from search.elastic.queries import beginning_with, main_query, of_variants, only, sorting, variants_that_fit
from search.errors import EngineFailed, RequestRefused
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
        with failures():
            hits, told = _ask(
                _body(request, seconds), _counting(request) if request.with_facets else None, request, seconds
            )
        return _found(hits, told, request)

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
    narrowed = only(request.filters, of_variants=False)
    if of_variants(request.filters):
        narrowed.append(_showing(request))
    shown = {"ids": {"values": [str(family_id) for family_id in (request.after or {}).get("shown", ())]}}
    return {
        "query": {"bool": {"must": [main_query(request)], "filter": narrowed, "must_not": [shown]}},
        "sort": sorting(request),
        "size": request.size,
        "track_total_hits": EXACT_TO,
        "timeout": f"{max(1, int(seconds * 1000))}ms",
        "_source": ["product_id"],
    }


def _showing(request: SearchRequest) -> dict[str, Any]:
    """That a variant fits, and which one does so best: the family's own choice may be another."""
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
    return fitting


def _counting(request: SearchRequest) -> dict[str, Any]:
    """Apart from the hits, and the same for all pages at any time: so Elasticsearch keeps what it counted until it changes."""
    return {
        "query": main_query(request),
        "size": 0,
        "track_total_hits": False,
        "timeout": f"{int(settings.SEARCH_DEADLINE.total_seconds() * 1000)}ms",
        "aggs": aggregations(request.filters),
    }


def _ask(
    body: dict[str, Any], counting: dict[str, Any] | None, request: SearchRequest, seconds: float
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The hits and the counts.

    Hits from the cursor's point in time, made where the walk begins; where it has ended, the walk goes on in what there is now.
    """
    asked = _Asked(time.monotonic() + seconds)
    after = request.after or {}
    if after.get("engine") != ElasticsearchEngine.name:
        hits, *told = asked.together(
            {**body, "from": after.get("seen", request.offset)}, *([counting] if counting else [])
        )
        return hits, told[0] if told else {}
    hits = _walked(asked, body, after)
    return hits, asked.together(counting)[0] if counting else {}


def _walked(asked: "_Asked", body: dict[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
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

    def together(self, *bodies: dict[str, Any]) -> list[Mapping[str, Any]]:
        """What the index says, to all of them at once. Raises RequestRefused and EngineFailed where it does not to one."""
        searches = [part for body in bodies for part in ({"index": indexes.alias()}, body)]
        answers: list[Mapping[str, Any]] = self._client().msearch(searches=searches)["responses"]
        for answer in answers:
            if "error" in answer:
                problem = RequestRefused if answer["status"] == HTTPStatus.BAD_REQUEST else EngineFailed
                raise problem(f"Elasticsearch answered {answer['status']}: {answer['error']}")
        return answers

    def at(self, pit: str, body: dict[str, Any]) -> Mapping[str, Any]:
        return dict(self._client().search(body={**body, "pit": {"id": pit, "keep_alive": KEEP_ALIVE}}))

    def point_in_time(self) -> str:
        return str(self._client().open_point_in_time(index=indexes.alias(), keep_alive=KEEP_ALIVE)["id"])

    def _client(self) -> Elasticsearch:
        return client(seconds=max(0.001, self.end - time.monotonic()))


def _found(answer: Mapping[str, Any], counted: Mapping[str, Any], request: SearchRequest) -> Found:
    if any(part.get("timed_out") or part["_shards"]["failed"] for part in (answer, counted) if part):
        raise EngineFailed("Elasticsearch answered for a part of the documents only")
    hits = answer["hits"]["hits"]
    total = answer["hits"]["total"]
    told = counted.get("aggregations", {})
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
    variants = hit.get("inner_hits", {}).get(SHOWN, {}).get("hits", {}).get("hits", ())
    shown = variants[0] if variants else hit
    return Hit(family_id=int(hit["_id"]), product_id=shown["_source"]["product_id"])


def _after(answer: Mapping[str, Any], request: SearchRequest) -> dict[str, Any]:
    hits = answer["hits"]["hits"]
    before = int((request.after or {}).get("seen", request.offset))
    found = {"engine": ElasticsearchEngine.name, "values": list(hits[-1]["sort"]), "seen": before + len(hits)}
    if "pit_id" in answer:
        return {**found, "pit": answer["pit_id"], "shown": (request.after or {}).get("shown", [])}
    return {**found, "shown": [int(hit["_id"]) for hit in hits]}
