"""`python -m payments.simulator`: the simulated payment provider on 127.0.0.1, until it is told to stop."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from core import secret_file
from payments.simulator.ledger import Ledger
from payments.simulator.server import Behaviour, SimulatorServer
from payments.simulator.webhooks import Sender

LOOPBACK = "127.0.0.1"
WEBHOOK_PATH = "/webhooks/payments/simulated/"
DEFAULT_PORT = 8002


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C: 0 then, 1 after one clear line saying why it can not."""
    options = _parse(arguments)
    stop = threading.Event()
    ledger = Ledger(
        options.database,
        address=f"http://{LOOPBACK}:{options.port}",
        webhook_delay=options.webhook_delay,
        webhook_copies=2 if options.webhook_twice else 1,
    )
    behaviour = Behaviour(slow=options.slow, silent=options.silent)
    try:
        server = SimulatorServer((LOOPBACK, options.port), ledger, behaviour=behaviour, stop=stop)
    except OSError as problem:
        sys.stderr.write(f"The payment simulator can not listen on port {options.port}: {problem.strerror}\n")
        return 1
    if options.webhook_url:
        Sender(ledger, url=options.webhook_url, secret=_secret(), stop=stop, shuffle=options.webhook_shuffle).start()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        ledger.news.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    shop = os.environ.get("PUBLIC_URL", "").rstrip("/") or f"http://{LOOPBACK}:{os.environ.get('PORT') or 8000}"
    given = urlsplit(os.environ.get("PAYMENT_SIMULATOR_URL", ""))
    parser = argparse.ArgumentParser(prog="payments.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=given.port or DEFAULT_PORT)
    database = os.environ.get("PAYMENT_SIMULATOR_DATABASE", "") or _local_dir() / "payments.sqlite3"
    parser.add_argument("--database", type=Path, default=database)
    parser.add_argument("--webhook-url", default=f"{shop}{WEBHOOK_PATH}", help="empty: none are sent")
    parser.add_argument("--webhook-delay", type=float, default=0.0, metavar="SECONDS", help="send them late")
    parser.add_argument("--webhook-twice", action="store_true", help="send each of them twice")
    parser.add_argument("--webhook-shuffle", action="store_true", help="send those that are due in any order")
    parser.add_argument("--slow", type=float, default=3.0, metavar="SECONDS", help="how slow pm_card_slow is")
    parser.add_argument("--silent", type=float, default=60.0, metavar="SECONDS", help="how long a time-out is silent")
    return parser.parse_args(arguments)


def _local_dir() -> Path:
    return Path(os.environ.get("SHOP_LOCAL_DIR") or Path(__file__).resolve().parent.parent.parent / ".local")


def _secret() -> str:
    given = os.environ.get("PAYMENT_SIMULATOR_SECRET", "")
    return given or secret_file.read_or_make(_local_dir() / "payment_simulator_secret")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
