"""The connection to Elasticsearch, one per process, and what its failures mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus

from django.conf import settings
from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch.helpers import BulkIndexError

from core.transactions import refuse_transaction
from search.elastic.node import PunctualNode
from search.errors import EngineFailed, RequestRefused

PATIENCE_SECONDS = 30.0


def is_on() -> bool:
    """Whether the shop has an Elasticsearch."""
    return bool(settings.ELASTICSEARCH_URL)


def client(*, seconds: float = PATIENCE_SECONDS) -> Elasticsearch:
    """A client whose calls give up after ``seconds`` without an answer, and try nothing twice: the caller knows what is next.

    Raises RuntimeError inside a transaction.
    """
    refuse_transaction("search.elastic.client")
    return _connected(settings.ELASTICSEARCH_URL).options(request_timeout=seconds)


@cache
def _connected(url: str) -> Elasticsearch:
    return Elasticsearch(url, max_retries=0, retry_on_timeout=False, retry_on_status=(), node_class=PunctualNode)


@contextmanager
def failures() -> Iterator[None]:
    """What the client raises, as `search.errors` names it: a 400 is an error of ours, all else is one of the engine."""
    try:
        yield
    except ApiError as problem:
        if problem.status_code == HTTPStatus.BAD_REQUEST:
            raise RequestRefused(str(problem)) from problem
        raise EngineFailed(f"Elasticsearch answered {problem.status_code}: {problem.message}") from problem
    except (TransportError, BulkIndexError) as problem:
        raise EngineFailed(f"Elasticsearch did not answer: {problem}") from problem
