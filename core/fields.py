"""Model fields that mean one thing everywhere."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class AmountField(models.DecimalField):  # type: ignore[type-arg]  # the stubs' generic parameters say nothing here
    """An amount of money: numeric(14, 3), three decimals so that dinars fit. Its currency is a column beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 14
        kwargs["decimal_places"] = 3
        super().__init__(*args, **kwargs)


class CurrencyField(models.CharField):  # type: ignore[type-arg]  # as above
    """An ISO 4217 code, such as USD."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        super().__init__(*args, **kwargs)


def refuse_vector_images(upload: Any) -> None:
    """Refuse SVG: it is a program that would run with the shop's rights in a shopper's browser. Raises ValidationError."""
    head = upload.read(512).lstrip().lower()
    upload.seek(0)
    if str(upload.name).lower().endswith((".svg", ".svgz")) or head.startswith(
        (b"<svg", b"<?xml", b"<!doctype", b"\x1f\x8b")
    ):
        raise ValidationError(_("SVG files are not accepted: upload a JPEG, PNG or WebP picture."), code="vector_image")
