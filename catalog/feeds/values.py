"""Single values of a row: a text of a CSV, or what JSON and Parquet have types for. Each is good or refused with a reason."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from catalog.feeds.refusals import UNSTORABLE, Code, RefusedRow, refuse

LIST_SEPARATOR = "|"
MOST_DIGITS = 17  # before the point; what the columns take
LARGEST_COUNT = 2_000_000_000
LAST_YEAR = 9000  # some formats write infinity as the last day there is
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})

Parser = Callable[[str, Any], Any]


def is_given(value: Any) -> bool:
    """Whether a cell says anything: empty ones stand for the default."""
    return value is not None and value != "" and not (isinstance(value, str) and value.isspace())


def text(name: str, value: Any, *, longest: int) -> str:
    """``value`` without the white space around it. Raises RefusedRow, as all of these do."""
    if not isinstance(value, str):
        refuse(Code.INVALID, name, f"{name} is not a text")
    found = value.strip()
    if UNSTORABLE.search(found):
        if _NOT_UTF8.search(found):
            refuse(Code.ENCODING, name, f"{name} is not UTF-8")
        refuse(Code.INVALID, name, f"{name} has a character that can not be stored")
    if len(found) > longest:
        refuse(Code.TOO_LONG, name, f"{name} is longer than {longest:,} characters")
    return found


def number(name: str, value: Any) -> Decimal:
    """An exact number that the database can hold."""
    if isinstance(value, str):
        if not _PLAIN_NUMBER.fullmatch(value.strip()):
            refuse(Code.INVALID, name, f"{name} {short(value)} is not a number (write 1234.50)")
        found = Decimal(value.strip())
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse(Code.INVALID, name, f"{name} is not a number")
    else:
        found = _decimal(name, value)
    if not found.is_finite():
        refuse(Code.INVALID, name, f"{name} {found} is not a number")
    if found and found.adjusted() >= MOST_DIGITS:
        refuse(Code.INVALID, name, f"{name} is too large a number")
    return found + 0 if found else Decimal(0)  # a zero has no sign


def _decimal(name: str, value: float | Decimal) -> Decimal:
    try:
        return value if isinstance(value, Decimal) else Decimal(repr(value))
    except (InvalidOperation, ValueError):  # a whole number of more digits than Python is willing to write
        refuse(Code.INVALID, name, f"{name} is too large a number")


def whole(name: str, value: Any, *, least: int = 0, most: int = LARGEST_COUNT) -> int:
    """A whole number from ``least`` to ``most``."""
    found = number(name, value)
    if found != found.to_integral_value():
        refuse(Code.INVALID, name, f"{name} {short(value)} is not a whole number")
    if not least <= found <= most:
        refuse(Code.INVALID, name, f"{name} {short(value)} is not between {least} and {most}")
    return int(found)


def flag(name: str, value: Any) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        refuse(Code.INVALID, name, f"{name} {short(value)} is neither true nor false")
    return word in _TRUE


def moment(name: str, value: Any) -> datetime:
    """A date or an instant of ISO 8601; without a zone it is UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
        if found.year > LAST_YEAR:
            raise ValueError
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (AttributeError, TypeError, ValueError, OverflowError):
        refuse(Code.INVALID, name, f"{name} {short(value)} is not a date (write 2026-01-31)")


def words(name: str, value: Any, *, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    """Several codes, each of ``pattern``; a text has them with | between."""
    parts = value.split(LIST_SEPARATOR) if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        refuse(Code.INVALID, name, f"{name} is not {what}")
    found = tuple(dict.fromkeys(part.strip() for part in parts))
    if not all(pattern.fullmatch(part) for part in found):
        refuse(Code.INVALID, name, f"{name} is not {what}")
    return found


def objects(name: str, value: Any) -> list[dict[str, Any]]:
    """Several objects; a text has them as a JSON array."""
    found = value
    if isinstance(value, str):
        try:
            found = json.loads(value, parse_float=Decimal, parse_constant=partial(_no_number, name))
        except RefusedRow:
            raise
        except (ValueError, InvalidOperation, RecursionError):
            refuse(Code.INVALID, name, f"{name} is not JSON")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        refuse(Code.INVALID, name, f"{name} is not a list of objects")
    return found


def _no_number(name: str, word: str) -> Any:
    refuse(Code.INVALID, name, f"{name} has {word}, which is not a number")


def short(value: Any) -> str:
    """``value`` for a message."""
    try:
        shown = str(value)
    except ValueError:
        return "(a very long number)"
    return shown if len(shown) <= 30 else f"{shown[:30]}..."
