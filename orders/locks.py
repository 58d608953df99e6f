"""Every lock on orders. It comes after carts, and before payments and stock."""

from orders.models import Order


def order_by_number(number: str) -> Order | None:
    """Lock an order by its number. One query."""
    return Order.objects.select_for_update(no_key=True).filter(number=number).first()


def order(order_id: int) -> Order:
    """Lock an order by its id. One query. Raises Order.DoesNotExist."""
    return Order.objects.select_for_update(no_key=True).get(pk=order_id)
