"""``field__any_of=values``: as ``__in``, with all values in one parameter: a thousand take milliseconds to write out."""

from typing import Any

from django.db.models import Lookup


class AnyOf(Lookup):
    """``lhs = ANY(list)``."""

    lookup_name = "any_of"

    def get_prep_lookup(self) -> list[Any]:
        """The values, of whatever collection."""
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """The SQL and its parameters."""
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*params, self.rhs]
