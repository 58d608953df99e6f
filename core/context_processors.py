"""What every template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def shop(request: HttpRequest) -> dict[str, Any]:
    """The shop's name and currency."""
    return {"shop_name": settings.SHOP_NAME, "shop_currency": settings.CURRENCY}
