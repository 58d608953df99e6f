"""Pages of a list: 20 a page, 1 to 500."""

from rest_framework.pagination import PageNumberPagination

from core.errors import InvalidInput


class PageTooDeep(InvalidInput):
    """A page beyond the last that is served by number."""

    code = "page_too_deep"


class Pages(PageNumberPagination):
    """`?page=3`; an answer has count, next, previous and results."""

    page_size = 20
    max_pages = 500

    def get_page_number(self, request: object, paginator: object) -> int | str:
        """The number asked for. Raises PageTooDeep beyond the last page served."""
        number: int | str = super().get_page_number(request, paginator)  # type: ignore[arg-type]  # passed on as it came
        if str(number).isdecimal() and int(number) > self.max_pages:
            raise PageTooDeep(f"Pages go from 1 to {self.max_pages}.", params={"last_page": self.max_pages})
        return number
