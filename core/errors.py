"""What can go wrong in the domain, without a word of HTTP. `core.problems` turns each into what a client or shopper sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: ``pointer`` is a JSON pointer into what was sent (``/shipping_address/country``)."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable ``code``, a sentence for people, and the facts a client needs to go on (``params``, JSON-able)."""

    code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str,
        *,
        params: Mapping[str, Any] | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.params = dict(params or {})
        self.errors = tuple(errors)
        self.retry_after = retry_after


class InvalidInput(DomainError):
    """What was sent can not be right, whatever the state of the shop."""

    code = "invalid_input"


class NotFound(DomainError):
    """It does not exist, or not for whoever asks: the two are not told apart."""

    code = "not_found"


class Forbidden(DomainError):
    """Whoever asks may not do this."""

    code = "forbidden"


class Conflict(DomainError):
    """Right in itself, but not in the state things are in."""

    code = "conflict"


class Unavailable(DomainError):
    """Something this needs is away; trying again later may work."""

    code = "unavailable"
