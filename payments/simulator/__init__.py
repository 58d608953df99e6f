"""The simulated payment provider: a small HTTP server with its own SQLite file, to be killed, stalled and started again.

`python -m payments.simulator`. It knows nothing of the shop but where to send webhooks, and imports none of it but the
signature. `payments.simulated` is how the shop speaks to it.
"""
