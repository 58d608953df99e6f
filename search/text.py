"""Words as both engines see them: what is not a letter or a digit parts them, case and accents say nothing.

PostgreSQL and Elasticsearch cut text at different places when left alone ("usb-c", "1/2", "o'neill"), and would find different
things then. So text is cut here before PostgreSQL sees it, and Elasticsearch's analyzer is told to cut at the same places.
"""

import re
import unicodedata

QUERY_LIMIT = 200
WORDS_LIMIT = 32
_GAP = re.compile(r"[\W_]+")


def normalized(text: str) -> str:
    """``text`` as words of lower-case letters without accents, and digits, with single spaces between them."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _GAP.sub(" ", "".join(sign for sign in plain if not unicodedata.combining(sign))).strip()


def query_words(typed: str) -> tuple[str, ...]:
    """The words in the first QUERY_LIMIT characters of what somebody typed, WORDS_LIMIT at most. None is an operator."""
    return tuple(normalized(typed[:QUERY_LIMIT]).split()[:WORDS_LIMIT])


def code_of(typed: str) -> str:
    """``typed`` as SKUs and EANs are compared: upper case, without spaces around it."""
    return typed.replace("\x00", "")[:QUERY_LIMIT].strip().upper()
