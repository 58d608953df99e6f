"""gunicorn's settings, for a laptop and for production alike; see docs/operations.md for what to change where."""

import os
from pathlib import Path

from prometheus_client import multiprocess

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
# Longer than the lease of an idempotency claim, which is longer than the provider's time-out (ecommerce/settings.py).
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None
# Its own control socket would lie in the user's home and be shared by every gunicorn of that user.
control_socket_disable = True
# Worker heartbeats go to memory: a slow disk must not look like a dead worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes unnamed files there


def child_exit(server: object, worker: object) -> None:
    """Let the metrics forget a worker that is gone: its gauges would stand still for ever."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(getattr(worker, "pid", 0))
