"""What can go wrong in a search."""

from core.errors import InvalidInput, Unavailable


class EngineFailed(Exception):
    """The engine did not answer, or not in time, or with nonsense: another one may."""


class RequestRefused(Exception):
    """The engine answered that the request is wrong. That is an error of ours, and no sign of an engine that is down."""


class PageTooDeep(InvalidInput):
    """Beyond page 500 only a cursor leads on."""

    code = "page_too_deep"


class SearchUnavailable(Unavailable):
    """No engine can answer at the moment."""

    code = "search_unavailable"


class IndexBusy(Exception):
    """Somebody else is building or changing the index."""


class IndexIncomplete(Exception):
    """A new index lacks documents, or has too many; the old one goes on serving."""


class NothingToRollBack(Exception):
    """No index is kept that could serve again."""
