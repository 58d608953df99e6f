"""What other apps see of accounts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose account it is."""

    user_id: int
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A fresh log-in of an outside client: its token, said once, and whose it is."""

    token: str
    expiry: datetime | None
    account: Account
