"""What the simulated provider of a running shop has in its books."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from core.clock import now
from orders.reconciling import reconcile

LIMIT = 1000


@dataclass(slots=True)
class Books:
    """The payments that came to the provider at ``url`` since this was made."""

    url: str
    _since: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        while found := self._read():
            self._since = found[-1]["number"]

    def payments(self) -> dict[str, list[tuple[str, int]]]:
        """State, and cents taken, of each payment, by the order number that it names."""
        payments: dict[str, list[tuple[str, int]]] = defaultdict(list)
        found = self._read()
        assert len(found) < LIMIT
        for payment in found:
            payments[payment["reference"]].append((payment["state"], payment["captured"]))
        return dict(payments)

    def assert_reconciled(self, numbers: Iterable[str]) -> None:
        """Orders and payments of these numbers agree with each other, and with the provider's list as the shop reads it.

        Others are passed over: the provider remembers those that a finished test has left, the shop does not.
        """
        wanted = set(numbers)
        no_excuses = now() + timedelta(hours=1)  # by then nothing is too young to be judged
        found = [line for piece in reconcile(now=no_excuses) for line in piece.differences if line.reference in wanted]
        assert found == []

    def _read(self) -> list[dict[str, Any]]:
        query = {"after": self._since, "limit": LIMIT}
        # Without certificates: it is plain HTTP, and they are slow to load.
        answer = httpx.get(f"{self.url}/v1/payments", params=query, timeout=10, trust_env=False, verify=False)
        listed: list[dict[str, Any]] = answer.raise_for_status().json()["payments"]
        return listed
