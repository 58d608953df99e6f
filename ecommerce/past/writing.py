"""The past written into the shop: batch by batch, so that a run that was killed goes on where it stopped."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from accounts import bulk as accounts
from accounts.bulk import PersonRecord
from catalog import selectors as catalog
from catalog.types import OfferedProduct
from ecommerce.past import baskets
from ecommerce.past.baskets import Assortment, Basket, Calendar, Sold
from ecommerce.past.endings import Ending, ending
from ecommerce.past.people import people_of
from inventory import past as inventory
from inventory.past import PastSale, Shelf
from orders import bulk as orders
from orders.bulk import PastOrder
from orders.policies import ALPHABET, NUMBER_GROUPS
from orders.types import PostalAddress
from payments import bulk as payments
from payments.bulk import PastPayment
from pricing import selectors as pricing
from pricing.types import Quote, QuoteLine

Quoter = Callable[[Sequence[QuoteLine]], Quote]
BATCH = 1000
MOST_SHOPPERS = 200_000
ORDERS_PER_SHOPPER = 20
TABLES = (
    "orders_order",
    "orders_orderline",
    "orders_orderhistory",
    "orders_shipment",
    "payments_payment",
    "inventory_stockmovement",
    "inventory_allocation",
)


@dataclass(frozen=True, slots=True)
class _Past:
    """Everything that the orders are made of."""

    seed: int
    total: int
    now: datetime
    products: dict[int, OfferedProduct]
    assortment: Assortment
    calendar: Calendar
    activity: list[float]
    people: list[PersonRecord]
    user_ids: dict[str, int]
    quoters: dict[tuple[str, str], Quoter]


@dataclass(frozen=True, slots=True)
class _Made:
    """An order with what it cost and where each line came from."""

    order: PastOrder
    shelves: tuple[Shelf, ...]
    ending: Ending


def write_past_orders(
    *,
    orders: int,
    seed: int,
    now: datetime,
    advance: Callable[[int], None],
    shoppers: int | None = None,
    known_shoppers: Sequence[str] = (),
) -> int:
    """Give the shop so many orders over the last two years, with their shoppers; how many were written.

    There are so many ``shoppers``, or one for every twenty orders; the first are ``known_shoppers``, e-mail addresses of users
    there are. Orders that are there already (by their numbers, which the seed decides) are left alone. Nothing is published.
    ``advance`` is told of each batch.
    """
    if not orders:
        return 0
    count = shoppers or min(max(orders // ORDERS_PER_SHOPPER, 1), MOST_SHOPPERS)
    past = _gather(orders, seed, now, count, known_shoppers)
    written = 0
    for first in range(0, orders, BATCH):
        numbers = range(first, min(first + BATCH, orders))
        if past.products:
            with transaction.atomic(durable=True):
                written += _write([_basket(past, number) for number in numbers], past)
        advance(len(numbers))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")
    return written


def _gather(total: int, seed: int, now: datetime, count: int, known_shoppers: Sequence[str]) -> _Past:
    products = {product.id: product for product in catalog.offered()}
    sold = [
        Sold(
            id=product.id,
            family=product.family_id,
            category=product.category,
            demand=baskets.demand(sku=product.sku, reviews=product.review_count, seed=seed),
            released=product.released_at,
        )
        for product in products.values()
    ]
    since = now - timedelta(days=baskets.DAYS)
    people = list(people_of(count=count, seed=seed, since=since, until=now - timedelta(days=30)))
    user_ids: dict[str, int] = {}
    for first in range(0, count, BATCH):
        with transaction.atomic(durable=True):
            user_ids |= accounts.install_people(people=people[first : first + BATCH])
    user_ids |= accounts.find_people(emails=known_shoppers)
    return _Past(
        seed=seed,
        total=total,
        now=now,
        products=products,
        assortment=Assortment(sold, seed=seed),
        calendar=Calendar(now),
        activity=baskets.activity(count=count, total=total, seed=seed),
        people=[*_known(known_shoppers, people), *people][:count],
        user_ids=user_ids,
        quoters={place: _quoter(*place) for place in {(person.country, person.region) for person in people}},
    )


def _known(emails: Sequence[str], people: Sequence[PersonRecord]) -> list[PersonRecord]:
    """Users who are there, living where some of ``people`` do."""
    return [
        PersonRecord(
            email=email,
            name="Robin Shopper",
            joined=person.joined,
            line1=person.line1,
            city=person.city,
            region=person.region,
            postal_code=person.postal_code,
            country=person.country,
        )
        for email, person in zip(emails, people, strict=False)
    ]


def _basket(past: _Past, number: int) -> Basket:
    return baskets.basket(
        number=number,
        total=past.total,
        seed=past.seed,
        assortment=past.assortment,
        calendar=past.calendar,
        activity=past.activity,
    )


def _write(found: Sequence[Basket], past: _Past) -> int:
    """One batch, without the orders that are there already; how many it wrote."""
    named = {order_number(past.seed, basket.number): basket for basket in found if basket.lines}
    fresh = sorted(named.keys() - orders.known_numbers(numbers=list(named)), key=lambda name: named[name].number)
    shelves = inventory.shelves_of(product_ids={pk for name in fresh for pk, _ in named[name].lines})
    made = [order for name in fresh if (order := _made(past, name, named[name], shelves))]
    ids = payments.write_past_payments(
        payments=[
            PastPayment(
                reference=each.order.number,
                amount=each.order.quote.total,
                at=each.order.placed_at,
                voided=each.ending.voided,
                refunded_at=each.ending.sent_back.refunded_at if each.ending.sent_back else None,
                refund_reason=each.ending.sent_back.reason if each.ending.sent_back else "",
            )
            for each in made
        ]
    )
    lines = orders.write_past_orders(
        orders=[each.order for each in made],
        payment_ids=[each.payment for each in ids],
        refund_ids=[each.refund for each in ids],
    )
    sales = [sale for each, own in zip(made, lines, strict=True) for sale in _sales(each, own)]
    if sales:
        received_at = min(sale.at for sale in sales) - timedelta(days=7)
        inventory.write_past_sales(sales=sales, received_at=received_at)
    return len(made)


def _made(past: _Past, number: str, basket: Basket, shelves: dict[int, list[Shelf]]) -> _Made | None:
    lines = [(past.products[pk], quantity) for pk, quantity in basket.lines if pk in shelves]
    if not lines:
        return None
    chance = random.Random(f"{past.seed} order {basket.number}")  # noqa: S311 - as in `people`
    person = past.people[basket.shopper if basket.shopper is not None else chance.randrange(len(past.people))]
    quote = past.quoters[person.country, person.region](
        [
            QuoteLine(
                product_id=product.id,
                quantity=quantity,
                unit_price=product.price,
                tax_class=product.tax_class,
                weight_grams=product.weight_grams,
            )
            for product, quantity in lines
        ]
    )
    preferred = chance.randrange(3)
    taken = tuple(shelves[product.id][preferred % len(shelves[product.id])] for product, _quantity in lines)
    ended = ending(
        number=number,
        placed_at=basket.at,
        now=past.now,
        warehouses=[shelf.warehouse_id for shelf in taken],
        chance=chance,
    )
    return _Made(_order(number, basket, person, quote, ended, past, [product for product, _ in lines]), taken, ended)


def _order(
    number: str,
    basket: Basket,
    person: PersonRecord,
    quote: Quote,
    ended: Ending,
    past: _Past,
    products: Sequence[OfferedProduct],
) -> PastOrder:
    is_guest = basket.shopper is None
    return PastOrder(
        number=number,
        user_id=None if is_guest else past.user_ids[person.email],
        email=f"guest{basket.number}@example.com" if is_guest else person.email,
        address=PostalAddress(
            name=person.name,
            line1=person.line1,
            city=person.city,
            region=person.region,
            postal_code=person.postal_code,
            country=person.country,
        ),
        placed_at=basket.at,
        updated_at=ended.updated_at,
        status=ended.status,
        payment_status=ended.payment_status,
        quote=quote,
        names=tuple((product.sku, product.title) for product in products),
        steps=ended.steps,
        parcels=ended.parcels,
        sent_back=ended.sent_back,
    )


def _sales(made: _Made, line_ids: Sequence[int]) -> list[PastSale]:
    """What left the shelves: nothing, where the order was given up before it was paid."""
    if made.ending.voided:
        return []
    return [
        PastSale(
            order_line_id=line_id,
            product_id=line.product_id,
            shelf=shelf,
            quantity=line.quantity,
            reference=made.order.number,
            at=made.order.placed_at,
        )
        for line_id, line, shelf in zip(line_ids, made.order.quote.lines, made.shelves, strict=True)
    ]


def _quoter(country: str, region: str) -> Quoter:
    return pricing.quoter(country=country, region=region, currency=settings.CURRENCY)


def order_number(seed: int, number: int) -> str:
    """A number that looks like every other, and that the seed decides: fit for a demo only."""
    chance = random.Random(f"{seed} number {number}")  # noqa: S311 - as in `people`
    return "-".join(("HB", *("".join(chance.choices(ALPHABET, k=size)) for size in NUMBER_GROUPS)))
