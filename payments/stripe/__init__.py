"""Stripe: payments through its own SDK, its webhooks, and its half of the checkout page."""
