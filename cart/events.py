"""Facts about carts that others act on; their data are the cart's id and version."""

CHANGED = "cart.changed"
