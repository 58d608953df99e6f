"""The demo shop: its products, and their pictures."""
