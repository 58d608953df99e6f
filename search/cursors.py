"""Where a walk through results goes on, as a text that clients hand back. Signed, and of use for the same search only."""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from django.core.signing import BadSignature, dumps, loads
from django.utils.translation import gettext as _

from catalog.types import ListingFilters
from core.errors import FieldError, InvalidInput

SALT = "search.cursor"
MOST = 4000  # characters


def cursor_of(after: Mapping[str, Any] | None, filters: ListingFilters) -> str | None:
    """The text for ``after``; None at the end."""
    return None if after is None else dumps([_mark(filters), dict(after)], salt=SALT, compress=True)


def read_cursor(cursor: str, filters: ListingFilters) -> Mapping[str, Any]:
    """What `cursor_of` was given. Raises InvalidInput for what is no cursor of ours, or of another search."""
    with suppress(BadSignature, ValueError):
        mark, after = loads(cursor[:MOST], salt=SALT)
        if mark == _mark(filters):
            found: Mapping[str, Any] = after
            return found
    problem = FieldError("/cursor", "invalid", _("Take the cursor from the answer to the same search."))
    raise InvalidInput(_("There is nothing to go on with."), errors=[problem])


def _mark(filters: ListingFilters) -> int:
    return zlib.crc32(msgspec.json.encode(filters))
