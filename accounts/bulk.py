"""Many people at once, for a demo or a measurement. They can not log in: their passwords are unusable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from accounts.models import Address, User
from core.transactions import require_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A shopper with a first address, found again by the e-mail address."""

    email: str
    name: str
    joined: datetime
    line1: str
    city: str
    region: str
    postal_code: str
    country: str


def install_people(*, people: Sequence[PersonRecord]) -> dict[str, int]:
    """Add the people who are not there yet, with their addresses; the ids of all, by e-mail address. Four statements."""
    require_transaction("accounts.bulk.install_people")
    emails = [person.email for person in people]
    known = _ids(emails)
    fresh = [person for person in people if person.email not in known]
    User.objects.bulk_create(
        [
            User(email=person.email, name=person.name, date_joined=person.joined, password=make_password(None))
            for person in fresh
        ],
        ignore_conflicts=True,
    )
    ids = _ids(emails)
    Address.objects.bulk_create(
        [
            Address(
                user_id=ids[person.email],
                name=person.name,
                line1=person.line1,
                city=person.city,
                region=person.region,
                postal_code=person.postal_code,
                country=person.country,
                is_default=True,
            )
            for person in fresh
        ],
        ignore_conflicts=True,
    )
    return ids


def find_people(*, emails: Sequence[str]) -> dict[str, int]:
    """The ids of those who are there, by e-mail address. One query."""
    return _ids(emails)


def _ids(emails: Sequence[str]) -> dict[str, int]:
    return dict(User.objects.filter(email__any_of=emails).values_list("email", "pk"))
