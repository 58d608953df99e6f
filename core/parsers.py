"""How bodies of the API are read: strictly, and not without end."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class TooLarge(APIException):
    """The body is larger than any that makes sense."""

    status_code = 413


class StrictJSONParser(JSONParser):
    """JSON in UTF-8, of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, in which every character is a whole one."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """What the body says. Raises TooLarge, and ParseError for what is no JSON or can not be stored."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(_("Send at most %(limit)d bytes.") % {"limit": limit})
        try:
            found = json.loads(body.decode(), parse_constant=_refuse)
            # Half a surrogate pair and a zero byte can be written in JSON, but not in the database.
            again = json.dumps(found, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(_("The body is nested too deep.")) from None
        except ValueError as problem:
            raise ParseError(_("The body is no JSON: %(problem)s") % {"problem": problem}) from None
        if rb"\u0000" in again:
            raise ParseError(_("The body holds a zero byte."))
        return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
