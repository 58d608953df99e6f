"""Why a row, or a whole file, can not be taken."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Code(StrEnum):
    """Stable names of the reasons, for those who sort a report."""

    UNREADABLE = "unreadable"
    ENCODING = "encoding"
    MISSING = "missing"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    CYCLE = "cycle"
    TAKEN = "taken"
    PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong with a row: ``field`` is the column, empty where it is the row itself."""

    code: Code
    field: str
    detail: str

    def __post_init__(self) -> None:
        # It quotes what is wrong, which may be just what can not be stored or printed.
        object.__setattr__(self, "field", UNSTORABLE.sub("\ufffd", self.field))
        object.__setattr__(self, "detail", UNSTORABLE.sub("\ufffd", self.detail))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that was not taken; ``row`` is what it said, as far as it could be read."""

    line: int
    refusal: Refusal
    row: str = ""


class RefusedRow(ValueError):
    """A row can not be taken; the message says why."""

    def __init__(self, code: Code, field: str, detail: str) -> None:
        self.refusal = Refusal(code, field, detail)
        super().__init__(self.refusal.detail)


class FeedProblem(Exception):
    """A file can not be used at all; the message is the line to show."""


def refuse(code: Code, field: str, detail: str) -> NoReturn:
    """Raise RefusedRow."""
    raise RefusedRow(code, field, detail)
