"""How answers of Elasticsearch are read: whole, and within the time the request has as a whole."""

import time
from dataclasses import dataclass
from typing import Any

from elastic_transport import NodeConfig, Urllib3HttpNode
from elasticsearch import ConnectionError as NoConnection
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.exceptions import ReadTimeoutError
from urllib3.response import BaseHTTPResponse

_PIECE = 65536


class PunctualNode(Urllib3HttpNode):
    """A node whose `request_timeout` ends the request, as soon as the headers of the answer are there.

    To urllib3 it is the time that each piece of an answer may take: a body that comes a byte a second would never end.
    """

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.pool: Any = _PunctualPool(self.pool)

    def perform_request(self, *args: Any, **options: Any) -> Any:
        """As the node's; refuses an answer that was cut off among its headers, which to Python's own parser end there."""
        answer = super().perform_request(*args, **options)
        if not {"content-length", "transfer-encoding"} & {name.lower() for name in answer.meta.headers}:
            raise NoConnection("the answer was cut off")
        return answer


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the node takes from an answer."""

    status: int
    headers: Any
    data: bytes


@dataclass(frozen=True, slots=True)
class _PunctualPool:
    """The node's connections; it reads answers piece by piece, with an eye on the clock."""

    pool: HTTPConnectionPool

    def urlopen(self, method: str, target: str, *, timeout: float, **options: Any) -> _Answer:
        """The whole answer, read before ``timeout`` seconds are over. Raises urllib3's ReadTimeoutError and others."""
        end = time.monotonic() + timeout
        limits = Timeout(total=timeout)
        answer = self.pool.urlopen(method, target, timeout=limits, preload_content=False, **options)
        try:
            return _Answer(answer.status, answer.headers, self._body(answer, target, end))
        except BaseException:
            answer.close()
            raise

    def _body(self, answer: BaseHTTPResponse, target: str, end: float) -> bytes:
        pieces = []
        while piece := answer.read1(_PIECE):
            pieces.append(piece)
            if time.monotonic() > end:
                raise ReadTimeoutError(self.pool, target, "The answer came too slowly.")
        return b"".join(pieces)

    def close(self) -> None:
        """End all connections."""
        self.pool.close()
