"""Indexes in Elasticsearch: made, written, counted, and put in each other's place. No database here."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from elasticsearch import NotFoundError

from search.elastic.client import client, failures
from search.elastic.mapping import finished_settings, index_body
from search.errors import EngineFailed

BULK_SECONDS = 60.0
_CONFLICT = 409


class Sent(NamedTuple):
    """A document on its way: ``body`` is JSON in one line, as PostgreSQL gives it."""

    family_id: int
    version: int
    body: str


def alias() -> str:
    """The name that searches go to."""
    return f"{settings.NAMESPACE}-families"


def _writing(index: str) -> str:
    """What documents are written by: a write to the name of an index that is gone would make one, without a mapping."""
    return f"{index}-write"


def create(index: str) -> None:
    """Make an empty index to be filled; one that is there already stays. Raises EngineFailed."""
    with failures():
        if not exists(index):
            client().indices.create(index=index, body={**index_body(), "aliases": {_writing(index): {}}})


def exists(index: str) -> bool:
    """Whether there is such an index. Raises EngineFailed."""
    with failures():
        return bool(client().indices.exists(index=index))


def send(documents: Sequence[Sent], indexes: Collection[str], *, seconds: float = BULK_SECONDS) -> None:
    """Write documents into all ``indexes``, in so many seconds. Where there is a newer version, that stays.

    Raises EngineFailed where one was not taken: then none counts as sent.
    """
    operations: list[Any] = []  # the client takes text too, whatever its types say
    for document in documents:
        for index in indexes:
            target = {"_index": _writing(index), "_id": str(document.family_id), "require_alias": True}
            operations += (
                {"index": {**target, "version": document.version, "version_type": "external"}},
                document.body,
            )
    if not operations:
        return
    with failures():
        answer = client(seconds=seconds).bulk(operations=operations, filter_path="errors,items.*.status,items.*.error")
    refused = [item["index"] for item in answer.get("items", ()) if item["index"]["status"] >= 300]
    told = [item.get("error", {}) for item in refused if item["status"] != _CONFLICT]
    if told:
        raise EngineFailed(f"Elasticsearch refused {len(told)} documents, the first because of {told[0]}")


def finish(index: str) -> None:
    """Give a filled index its settings, and make what is in it findable. Raises EngineFailed."""
    with failures():
        client(seconds=BULK_SECONDS).indices.put_settings(index=index, body=finished_settings())
        refresh(index)


def refresh(index: str) -> None:
    """Make what was written findable now. Raises EngineFailed."""
    with failures():
        client(seconds=BULK_SECONDS).indices.refresh(index=index)


def count_live(index: str) -> int:
    """How many documents can be found. Raises EngineFailed."""
    with failures():
        return int(client().count(index=index, query={"term": {"is_live": True}})["count"])


def serve(index: str) -> None:
    """Let searches go to ``index``, and to no other, in one step. Raises EngineFailed."""
    with failures():
        add = {"add": {"index": index, "alias": alias()}}
        removals = [{"remove": {"index": other, "alias": alias()}} for other in serving() if other != index]
        client().indices.update_aliases(actions=[add, *removals])


def serving() -> set[str]:
    """The index that searches go to; empty where none does. Raises EngineFailed."""
    with failures():
        try:
            return set(client().indices.get_alias(name=alias()))
        except NotFoundError:
            return set()


def all_of_ours() -> set[str]:
    """Every index of this shop, whatever it is for. Raises EngineFailed."""
    with failures():
        return set(client().indices.get(index=f"{alias()}-*", ignore_unavailable=True, allow_no_indices=True))


def drop(names: Iterable[str]) -> None:
    """Remove indexes; those that are gone are passed over. Raises EngineFailed."""
    with failures():
        for name in names:
            client().indices.delete(index=name, ignore_unavailable=True)
