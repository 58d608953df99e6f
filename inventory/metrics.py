"""What is counted about stock."""

from prometheus_client import Counter

RESERVATIONS = Counter("inventory_reservations_total", "Attempts to hold stock, by how they ended", ["status"])
CART_ABANDONMENTS = Counter("cart_abandonments_total", "Carts of which a hold lapsed")
OVERSELL = Counter("inventory_oversell_total", "Stock rows found to have promised more than there is")
