"""Shoppers of a shop that is tried out: names and addresses drawn by a seed, e-mail addresses that reach nobody."""

import random
from collections.abc import Iterator
from datetime import datetime

from accounts.bulk import PersonRecord

FIRST = (
    *("Ada", "Amira", "Anders", "Beatriz", "Ben", "Carla", "Chen", "Dana", "Diego", "Elif", "Emma", "Farid", "Freya"),
    *("Gareth", "Grace", "Hana", "Hugo", "Ines", "Isaac", "Jonas", "Julia", "Kavya", "Keiko", "Lars", "Leila", "Liam"),
    *("Lucía", "Mateo", "Maya", "Mila", "Nadia", "Noah", "Nora", "Olga", "Omar", "Paula", "Priya", "Ravi", "Rosa"),
    *("Samuel", "Sofia", "Tomás", "Uma", "Vera", "Viktor", "Willa", "Yara", "Yusuf", "Zoë"),
)
LAST = (
    *("Abbott", "Almeida", "Baker", "Becker", "Bianchi", "Brandt", "Carter", "Castillo", "Cohen", "Dahl", "Dubois"),
    *("Eriksen", "Fischer", "Foster", "García", "Greene", "Haddad", "Hansen", "Hughes", "Ivanova", "Jansen", "Jensen"),
    *("Kaur", "Keller", "Kim", "Kowalski", "Lindqvist", "López", "Martin", "Meyer", "Mori", "Murphy", "Nakamura"),
    *("Novak", "O'Brien", "Okafor", "Olsen", "Patel", "Pereira", "Quinn", "Ricci", "Rossi", "Santos", "Schmidt"),
    *("Silva", "Tanaka", "Turner", "Vargas", "Visser", "Walker", "Wójcik", "Yilmaz", "Young", "Zhang"),
)
STREETS = (
    *("Alder Street", "Birch Lane", "Canal Street", "Cedar Avenue", "Church Street", "Elm Street", "Garden Street"),
    *("Harbour Road", "High Street", "Hill Road", "Lake Drive", "Linden Street", "Maple Avenue", "Market Street"),
    *("Mill Lane", "Orchard Road", "Park Avenue", "River Road", "School Lane", "Station Road", "Willow Way"),
)
# City, region, postal code, country; how many of them live there.
PLACES = (
    ("Brooklyn", "NY", "11201", "US", 9),
    ("Buffalo", "NY", "14201", "US", 4),
    ("Los Angeles", "CA", "90012", "US", 9),
    ("San Francisco", "CA", "94103", "US", 7),
    ("Seattle", "WA", "98101", "US", 7),
    ("Portland", "OR", "97205", "US", 5),
    ("Chicago", "IL", "60607", "US", 8),
    ("Austin", "TX", "78701", "US", 6),
    ("Denver", "CO", "80202", "US", 5),
    ("Boston", "MA", "02116", "US", 6),
    ("Atlanta", "GA", "30303", "US", 5),
    ("Nashville", "TN", "37203", "US", 4),
    ("Minneapolis", "MN", "55401", "US", 4),
    ("Berlin", "", "10115", "DE", 4),
    ("Hamburg", "", "20095", "DE", 2),
    ("Wien", "", "1010", "AT", 2),
    ("Paris", "", "75004", "FR", 3),
    ("Amsterdam", "", "1012 AB", "NL", 2),
    ("London", "", "SE1 9TG", "GB", 5),
    ("Toronto", "ON", "M5V 2T6", "CA", 3),
)
_WEIGHTS = [place[-1] for place in PLACES]


def people_of(*, count: int, seed: int, since: datetime, until: datetime) -> Iterator[PersonRecord]:
    """So many people, who joined between ``since`` and ``until``, the early ones first."""
    span = until - since
    for number in range(count):
        chance = random.Random(f"{seed} shopper {number}")  # noqa: S311 - the same every time is what is wanted
        first, last = chance.choice(FIRST), chance.choice(LAST)
        ((city, region, code, country, _weight),) = chance.choices(PLACES, weights=_WEIGHTS)
        yield PersonRecord(
            email=f"shopper{number + 1}@example.com",
            name=f"{first} {last}",
            joined=since + span * (number / count) ** 2,
            line1=_street(chance, country),
            city=city,
            region=region,
            postal_code=code,
            country=country,
        )


def _street(chance: random.Random, country: str) -> str:
    street, house = chance.choice(STREETS), chance.randint(1, 240)
    return f"{house} {street}" if country in ("US", "GB", "CA") else f"{street} {house}"
