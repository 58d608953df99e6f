"""Files of products brought into the shop: catalogue and stock together, a batch in one transaction."""
