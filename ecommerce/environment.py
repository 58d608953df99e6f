"""Everything the shop takes from its environment: typed, and refused with one clear line when wrong (DESIGN.md section 6)."""

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core import secret_file

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = Path(os.environ.get("SHOP_LOCAL_DIR") or BASE_DIR / ".local")
RUN_FILE = LOCAL_DIR / "run.json"
PRODUCTION, LAPTOP = "production", "laptop"


class EnvironmentProblem(Exception):
    """A variable is missing or wrong; the message is the line to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """A PostgreSQL database, taken apart from its URL."""

    host: str
    port: int
    name: str
    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment, read once at start. Empty strings and tuples mean "not given"."""

    shop_env: str
    secret_key: str
    allowed_hosts: tuple[str, ...]
    database: DatabaseAddress
    database_pool: int
    statement_timeout_ms: int
    valkey_url: str
    payment_simulator_url: str
    payment_simulator_secret: str
    stripe_secret_key: str
    stripe_publishable_key: str
    stripe_webhook_secret: str
    stripe_api_url: str
    elasticsearch_url: str
    kafka_bootstrap_servers: str
    kafka_topic_prefix: str
    limits_on: bool
    trusted_proxies: tuple[str, ...]
    metrics_allow: tuple[str, ...]
    public_url: str
    namespace: str
    port: int

    @property
    def production(self) -> bool:
        """Whether this is a shop with real customers."""
        return self.shop_env == PRODUCTION


def parse_database_url(url: str) -> DatabaseAddress:
    """Take ``postgresql://user:password@host:port/name`` apart. Raises EnvironmentProblem when it is something else."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or len(parts.path) < 2:
        raise EnvironmentProblem("DATABASE_URL must look like postgresql://user:password@host:5432/name")
    return DatabaseAddress(
        host=parts.hostname,
        port=parts.port or 5432,
        name=unquote(parts.path[1:]),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def read_environment(environ: Mapping[str, str] = os.environ) -> Environment:
    """Read and check the variables of DESIGN.md section 6. Raises EnvironmentProblem naming the variable and the remedy."""
    shop_env = environ.get("SHOP_ENV", "") or LAPTOP
    if shop_env not in (LAPTOP, PRODUCTION):
        raise EnvironmentProblem(f"SHOP_ENV is {shop_env!r}: use 'laptop' or 'production'")
    production = shop_env == PRODUCTION
    running = {} if production else _running()
    port = _whole("PORT", environ, 8000)
    return Environment(
        shop_env=shop_env,
        secret_key=_secret_key(environ, production=production),
        allowed_hosts=_hosts(environ, production=production),
        database=parse_database_url(_address("DATABASE_URL", "database_url", environ, running, production=production)),
        database_pool=_whole("DATABASE_POOL", environ, 8),
        statement_timeout_ms=_whole("DATABASE_STATEMENT_TIMEOUT_MS", environ, 5000),
        valkey_url=_address("VALKEY_URL", "valkey_url", environ, running, production=production),
        payment_simulator_url=environ.get("PAYMENT_SIMULATOR_URL", "") or running.get("payment_simulator_url", ""),
        payment_simulator_secret=_simulator_secret(environ, production=production),
        stripe_secret_key=_stripe_secret_key(environ),
        stripe_publishable_key=environ.get("STRIPE_PUBLISHABLE_KEY", ""),
        stripe_webhook_secret=environ.get("STRIPE_WEBHOOK_SECRET", ""),
        stripe_api_url=_stripe_api_url(environ, production=production),
        elasticsearch_url=_elasticsearch_url(environ, running),
        kafka_bootstrap_servers=environ.get("KAFKA_BOOTSTRAP_SERVERS", ""),
        kafka_topic_prefix=environ.get("KAFKA_TOPIC_PREFIX", ""),
        limits_on=_switch("LIMITS", environ, default=True),
        trusted_proxies=_networks("TRUSTED_PROXIES", environ),
        metrics_allow=_networks("METRICS_ALLOW", environ),
        public_url=_public_url(environ, port, production=production),
        namespace=environ.get("SHOP_NAMESPACE", "") or "shop",
        port=port,
    )


def _running() -> dict[str, str]:
    """What the embedded servers said of themselves in `.local/run.json`; empty when none ever ran here."""
    try:
        found = json.loads(RUN_FILE.read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _address(name: str, key: str, environ: Mapping[str, str], running: dict[str, str], *, production: bool) -> str:
    given = environ.get(name, "") or running.get(key, "")
    if given:
        return given
    if production:
        raise EnvironmentProblem(f"{name} is empty: production needs it (see deploy/production.env.example)")
    # Commands that need no server (makemigrations, check) still start; whatever connects is refused at once by the discard port.
    return {"DATABASE_URL": "postgresql://shop@127.0.0.1:9/shop", "VALKEY_URL": "redis://127.0.0.1:9/0"}[name]


def _elasticsearch_url(environ: Mapping[str, str], running: dict[str, str]) -> str:
    """The one that `make run` started serves the shop that it started, and no other database's."""
    given = environ.get("ELASTICSEARCH_URL", "")
    if not given and not environ.get("DATABASE_URL"):
        given = running.get("elasticsearch_url", "")
    try:
        parts = urlsplit(given)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:
        complete = False
    if given and not complete:
        raise EnvironmentProblem("ELASTICSEARCH_URL must look like https://user:password@host:9200, with its port")
    return given


def _secret_key(environ: Mapping[str, str], *, production: bool) -> str:
    given = environ.get("SECRET_KEY", "")
    if production:
        if len(given) < 50:
            raise EnvironmentProblem(
                "SECRET_KEY must be at least 50 characters: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
            )
        return given
    if given:
        return given
    return secret_file.read_or_make(LOCAL_DIR / "secret_key")


def _simulator_secret(environ: Mapping[str, str], *, production: bool) -> str:
    """What the simulated payment server signs its webhooks with; it reads the same variable and file."""
    given = environ.get("PAYMENT_SIMULATOR_SECRET", "")
    return given or ("" if production else secret_file.read_or_make(LOCAL_DIR / "payment_simulator_secret"))


def _stripe_secret_key(environ: Mapping[str, str]) -> str:
    """Stripe's keys come together: without the last, whoever finds the webhooks' address could say that he paid."""
    names = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")
    given = [environ.get(name, "") for name in names]
    if any(given) and not all(given):
        raise EnvironmentProblem(f"{', '.join(names)} go together: set all three, or none")
    if any(given) and not given[1].startswith("pk_"):
        raise EnvironmentProblem("STRIPE_PUBLISHABLE_KEY starts with pk_: every browser gets to see it")
    return given[0]


def _stripe_api_url(environ: Mapping[str, str], *, production: bool) -> str:
    """Where something that stands in for Stripe's API listens."""
    given = environ.get("STRIPE_API_URL", "")
    if given and production:
        raise EnvironmentProblem(
            "STRIPE_API_URL is for tests: in production the secret key goes to Stripe and nowhere else"
        )
    return given


def _hosts(environ: Mapping[str, str], *, production: bool) -> tuple[str, ...]:
    given = tuple(_words("ALLOWED_HOSTS", environ))
    if production and (not given or "*" in given):
        raise EnvironmentProblem("ALLOWED_HOSTS must name the shop's hosts, separated by commas, without '*'")
    return given or ("localhost", "127.0.0.1", "[::1]")


def _public_url(environ: Mapping[str, str], port: int, *, production: bool) -> str:
    given = environ.get("PUBLIC_URL", "")
    if production and not given.startswith("https://"):
        raise EnvironmentProblem("PUBLIC_URL must be the shop's address and start with https://")
    return given.rstrip("/") or f"http://127.0.0.1:{port}"


def _words(name: str, environ: Mapping[str, str]) -> list[str]:
    return [word.strip() for word in environ.get(name, "").split(",") if word.strip()]


def _networks(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    words = _words(name, environ)
    for word in words:
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise EnvironmentProblem(f"{name}: {word!r} is not an address or network such as 10.0.0.0/8") from None
    return tuple(words)


def _whole(name: str, environ: Mapping[str, str], default: int) -> int:
    given = environ.get(name, "")
    if not given:
        return default
    if not given.isdecimal() or len(given) > 9:
        raise EnvironmentProblem(f"{name} is {given!r}: give a whole number")
    return int(given)


def _switch(name: str, environ: Mapping[str, str], *, default: bool) -> bool:
    given = environ.get(name, "").lower()
    if given not in ("", "on", "off"):
        raise EnvironmentProblem(f"{name} is {given!r}: use 'on' or 'off'")
    return default if not given else given == "on"
