"""The one settings module. What differs between a laptop and production comes from `ecommerce.environment`."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from ecommerce.environment import BASE_DIR, LOCAL_DIR, EnvironmentProblem, read_environment

try:
    ENVIRONMENT = read_environment()
except EnvironmentProblem as problem:
    raise SystemExit(f"The shop can not start. {problem}") from None

PRODUCTION = ENVIRONMENT.production
DEBUG = False
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
PUBLIC_URL = ENVIRONMENT.public_url
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PRODUCTION else []
NAMESPACE = ENVIRONMENT.namespace

# --- Applications ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django_prometheus",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "easy_thumbnails",
    "knox",
    "pgtrigger",
    "rest_framework",
    "treebeard",
    "core",
    "accounts",
    "catalog",
    "inventory",
    "pricing",
    "cart",
    "payments",
    "orders",
    "search",
    "ecommerce.apps.EcommerceConfig",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "ecommerce.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.DomainErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "ecommerce.urls"
WSGI_APPLICATION = "ecommerce.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context_processors.shop",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- The shop ----------------------------------------------------------------------------------------------------------
SHOP_NAME = "Harbour"
CURRENCY = "USD"
HOLD_LIFETIME = timedelta(minutes=30)
# However often a hold is renewed, it ends this long after its first moment (DESIGN.md section 4, "Reserve").
HOLD_LIFETIME_LIMIT = timedelta(hours=4)
CART_LINES_LIMIT = 100
# Cart lines that guests of one address may hold at a time. Generous: thousands share the address of a mobile network.
GUEST_ADDRESS_HOLDS_LIMIT = 1000
PAYMENT_DEADLINE = timedelta(minutes=15)
# Provider time-out < lease of an idempotency claim < gunicorn's time-out (DESIGN.md section 4, "Checkout").
PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=10)
IDEMPOTENCY_LEASE = timedelta(seconds=25)
IDEMPOTENCY_REFUSAL_LIFETIME = timedelta(seconds=300)
IDEMPOTENCY_REPLAY_LIFETIME = timedelta(hours=24)
PAYMENT_PROVIDER = (
    "payments.stripe.provider.StripeProvider"
    if ENVIRONMENT.stripe_secret_key
    else "payments.simulated.SimulatedProvider"
)
PAYMENT_SIMULATOR_URL = ENVIRONMENT.payment_simulator_url
PAYMENT_SIMULATOR_SECRET = ENVIRONMENT.payment_simulator_secret
STRIPE_SECRET_KEY = ENVIRONMENT.stripe_secret_key
STRIPE_PUBLISHABLE_KEY = ENVIRONMENT.stripe_publishable_key
STRIPE_WEBHOOK_SECRET = ENVIRONMENT.stripe_webhook_secret
STRIPE_API_URL = ENVIRONMENT.stripe_api_url
LIMITS_ON = ENVIRONMENT.limits_on
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
METRICS_ALLOW = ENVIRONMENT.metrics_allow
# What reads figures out of tables when /metrics is asked, by dotted path: core must not know the apps above it.
METRIC_OBSERVERS = ["core.metrics.observe_outbox", "search.metrics.observe_documents"]
EVENT_SUBSCRIBERS = "ecommerce.events.SUBSCRIBERS"
# Without a broker the relay hands events to the subscribers itself. A topic's partitions are fixed once: with others its keys
# would lie elsewhere, and lose their order.
KAFKA_BOOTSTRAP_SERVERS = ENVIRONMENT.kafka_bootstrap_servers
KAFKA_TOPIC_PREFIX = ENVIRONMENT.kafka_topic_prefix
KAFKA_TOPICS = {
    "order-events": 12,
    "inventory-events": 12,
    "catalog-events": 12,
    "cart-events": 12,
    "recommendation-events": 3,
}
KAFKA_RETENTION = timedelta(days=14)
# A consumer that was killed is missed after that long, and its partitions go to others.
KAFKA_SESSION_TIMEOUT = timedelta(seconds=10)
KAFKA_REPLICATION = 3 if PRODUCTION else 1
RELAY_JOBS = "ecommerce.events.JOBS"
# What runs after somebody logs in, by dotted path: accounts must not know the apps above it.
LOGIN_HOOKS = ["cart.services.merge_at_login"]
# What a product in stock is, by dotted path: catalog must not know inventory, which is above it.
IN_STOCK_CONDITION = "inventory.conditions.in_stock"
# Whose hold a reservation is, how many carts some lines are in, and what is sold but still in the warehouse, by name: inventory
# must not know the apps above it.
HOLDERS = {"cart_line_id": "cart.CartItem", "order_line_id": "orders.OrderLine"}
CART_COUNTER = "cart.selectors.count_carts"
LINES_TO_SHIP = "orders.selectors.lines_to_ship"

# --- Search ------------------------------------------------------------------------------------------------------------
# Empty: PostgreSQL's full text answers.
ELASTICSEARCH_URL = ENVIRONMENT.elasticsearch_url
# A laptop has one node: no copies could be kept anywhere, and what is written is to be found at once.
SEARCH_SHARDS, SEARCH_REPLICAS, SEARCH_REFRESH = (5, 1, "5s") if PRODUCTION else (1, 0, "1s")
# The same database by connections of their own: searches that wait take none from carts and checkouts.
SEARCH_DATABASE = "search"
# All that a search may take: in Elasticsearch, and then in PostgreSQL; and how many of a process may be in PostgreSQL at once.
SEARCH_DEADLINE = timedelta(milliseconds=800)
SEARCH_FALLBACK_DEADLINE = timedelta(seconds=2)
SEARCH_FALLBACK_CLIENTS = 4
# Suggestions that come later than the next letter help nobody.
SUGGEST_DEADLINE = timedelta(milliseconds=150)
SUGGEST_FALLBACK_DEADLINE = timedelta(milliseconds=250)

# --- Data --------------------------------------------------------------------------------------------------------------
_POOL = {"min_size": 1, "max_size": ENVIRONMENT.database_pool, "timeout": 1.0} if ENVIRONMENT.database_pool else False
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": ENVIRONMENT.database.name,
        "USER": ENVIRONMENT.database.user,
        "PASSWORD": ENVIRONMENT.database.password,
        "HOST": ENVIRONMENT.database.host,
        "PORT": ENVIRONMENT.database.port,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": _POOL,
            "connect_timeout": 2,
            "options": (
                f"-c statement_timeout={ENVIRONMENT.statement_timeout_ms} -c lock_timeout=3000"
                " -c idle_in_transaction_session_timeout=30000"
            ),
        },
    }
}
DATABASES[SEARCH_DATABASE] = {
    **DATABASES["default"],
    "OPTIONS": {
        **DATABASES["default"]["OPTIONS"],
        # As patient as a search itself: the first of an outage all wait for connections that are only being made.
        "pool": {
            "min_size": 0,
            "max_size": SEARCH_FALLBACK_CLIENTS,
            "timeout": SEARCH_FALLBACK_DEADLINE.total_seconds(),
        }
        if _POOL
        else False,
    },
    "TEST": {"MIRROR": "default"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "core.cache.GuardedCache",
        "LOCATION": ENVIRONMENT.valkey_url,
        "KEY_PREFIX": NAMESPACE,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.1,
            "SOCKET_TIMEOUT": 0.1,
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": False,
        },
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- Accounts ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION else "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {} if LIMITS_ON else False
DEFAULT_FROM_EMAIL = "Harbour <shop@example.com>"
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if PRODUCTION else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = str(LOCAL_DIR / "mail")
EMAIL_TIMEOUT = 10

# --- API ---------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=30), "TOKEN_LIMIT_PER_USER": 20, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Harbour shop API",
    "DESCRIPTION": "Catalogue, cart, checkout and orders for mobile and other outside clients.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- Celery ------------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = ENVIRONMENT.valkey_url
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = f"{NAMESPACE}-celery"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULE_FILENAME = str(LOCAL_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "release expired holds": {"task": "inventory.tasks.release_expired", "schedule": timedelta(minutes=1)},
    "prove the stock": {"task": "inventory.tasks.check_inventory", "schedule": crontab(minute="17")},
    "settle payments": {"task": "orders.tasks.settle_payments", "schedule": timedelta(seconds=30)},
    "payment work": {"task": "payments.tasks.do_payment_work", "schedule": timedelta(seconds=10)},
    "reconcile payments": {"task": "orders.tasks.reconcile_payments", "schedule": crontab(minute="40", hour="4")},
    "rebuild search documents": {"task": "search.tasks.follow_changes", "schedule": timedelta(seconds=10)},
    "send search documents": {"task": "search.tasks.follow_documents", "schedule": timedelta(seconds=10)},
    "learn words": {"task": "search.tasks.learn", "schedule": crontab(minute="27")},
    "build a missing search index": {"task": "search.tasks.build_missing_index", "schedule": timedelta(minutes=5)},
    "keep the search log": {"task": "search.tasks.keep_partitions", "schedule": crontab(minute="25")},
    "count popular queries": {"task": "search.tasks.count_popular", "schedule": crontab(minute="35")},
    "forget old claims": {"task": "core.tasks.forget_old_claims", "schedule": crontab(minute="5", hour="3")},
}

# --- Files -------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = LOCAL_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# A laptop serves style sheets as they lie in the tree; production serves hashed, compressed ones from `collectstatic`.
SERVESTATIC_USE_FINDERS = not PRODUCTION
MEDIA_URL = "/media/"
MEDIA_ROOT = LOCAL_DIR / "media"
_STATIC_STORAGE = "servestatic.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": _STATIC_STORAGE if PRODUCTION else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
THUMBNAIL_ALIASES: dict[str, dict[str, dict[str, object]]] = {
    "": {
        "card": {"size": (400, 400), "background": "#ffffff"},
        "page": {"size": (800, 800), "background": "#ffffff", "upscale": True},
        "line": {"size": (120, 120), "background": "#ffffff"},
    }
}
THUMBNAIL_EXTENSION = "webp"
THUMBNAIL_TRANSPARENCY_EXTENSION = "webp"
THUMBNAIL_IMAGE_SAVE_OPTIONS = {"WEBP": {"quality": 85, "method": 2}}
THUMBNAIL_NAMER = "easy_thumbnails.namers.alias"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# --- Security ----------------------------------------------------------------------------------------------------------
_SIMULATOR = urlsplit(PAYMENT_SIMULATOR_URL)
# A challenge is a redirect from the checkout form to the provider's page, which browsers count as a form target.
_FORM_TARGETS = [SELF, f"{_SIMULATOR.scheme}://{_SIMULATOR.netloc}"] if _SIMULATOR.netloc else [SELF]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": _FORM_TARGETS,
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.trusted_proxies else None
# Django's own line against the admin's e-mail reports; errors go to the log.
ADMINS: list[tuple[str, str]] = []

# --- Language and logs -------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
PROMETHEUS_METRIC_NAMESPACE = ""
PROMETHEUS_EXPORT_MIGRATIONS = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "elastic_transport": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}
