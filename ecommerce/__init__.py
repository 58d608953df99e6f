"""The project: settings, addresses, Celery, event wiring. The only place that knows every app."""
