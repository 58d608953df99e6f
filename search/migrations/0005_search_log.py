"""The log of searches, in a partition a month: what is old goes with its table, and leaves nothing to be vacuumed."""

from django.db import migrations, models

# A line each: that is how the linter of migrations reads them.
SEARCHES = (
    "CREATE TABLE search_searchlog ("
    "at timestamptz NOT NULL, id uuid NOT NULL, query varchar(200) NOT NULL, filters jsonb NOT NULL, page integer NOT NULL, "
    "total integer NOT NULL, engine varchar(20) NOT NULL, fallback boolean NOT NULL, latency_ms double precision NOT NULL, "
    "mended boolean NOT NULL DEFAULT false, session varchar(32) NOT NULL, PRIMARY KEY (at, id)"
    ") PARTITION BY RANGE (at)"
)
CLICKS = (
    "CREATE TABLE search_searchclick ("
    "at timestamptz NOT NULL, search_id uuid NOT NULL, product_id bigint NOT NULL, position integer NOT NULL, "
    "session varchar(32) NOT NULL, PRIMARY KEY (at, search_id, product_id)"
    ") PARTITION BY RANGE (at)"
)
# For rows of months that have no partition yet.
REST = [
    "CREATE TABLE search_searchlog_default PARTITION OF search_searchlog DEFAULT",
    "CREATE TABLE search_searchclick_default PARTITION OF search_searchclick DEFAULT",
]
# This month's and the next one's; `search.log_services.keep_partitions` makes those that follow.
PARTITIONS = """
    DO $$
    DECLARE
        whole text;
        month timestamp;
        this timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    BEGIN
        FOREACH whole IN ARRAY ARRAY['search_searchlog', 'search_searchclick'] LOOP
            FOREACH month IN ARRAY ARRAY[this, this + interval '1 month'] LOOP
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    whole || to_char(month, '_YYYY_MM'), whole,
                    to_char(month, 'YYYY-MM-DD 00:00:00+00'),
                    to_char(month + interval '1 month', 'YYYY-MM-DD 00:00:00+00')
                );
            END LOOP;
        END LOOP;
    END $$;
"""
NO_TABLES = """
    DROP TABLE search_searchclick;
    DROP TABLE search_searchlog;
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0004_merchandising")]

    operations = [
        migrations.RunSQL(
            [SEARCHES, CLICKS, *REST, PARTITIONS],
            NO_TABLES,
            state_operations=[
                migrations.CreateModel(
                    name="SearchLog",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False, verbose_name="number")),
                        ("at", models.DateTimeField(verbose_name="at")),
                        ("query", models.CharField(blank=True, max_length=200, verbose_name="query")),
                        ("filters", models.JSONField(default=dict, verbose_name="filters")),
                        ("page", models.IntegerField(verbose_name="page")),
                        ("total", models.IntegerField(verbose_name="total")),
                        ("engine", models.CharField(max_length=20, verbose_name="engine")),
                        ("fallback", models.BooleanField(default=False, verbose_name="fallback")),
                        ("latency_ms", models.FloatField(verbose_name="latency in ms")),
                        ("mended", models.BooleanField(default=False, verbose_name="mended")),
                        ("session", models.CharField(blank=True, max_length=32, verbose_name="session")),
                    ],
                    options={"verbose_name": "search", "verbose_name_plural": "searches"},
                ),
                migrations.CreateModel(
                    name="SearchClick",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "at",
                                "search_id",
                                "product_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("at", models.DateTimeField(verbose_name="at")),
                        ("search_id", models.UUIDField(verbose_name="search")),
                        ("product_id", models.BigIntegerField(verbose_name="product")),
                        ("position", models.IntegerField(verbose_name="position")),
                        ("session", models.CharField(blank=True, max_length=32, verbose_name="session")),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name="PopularQuery",
            fields=[
                ("query", models.TextField(primary_key=True, serialize=False, verbose_name="query")),
                ("searches", models.IntegerField(verbose_name="searches")),
                ("sessions", models.IntegerField(verbose_name="sessions")),
                ("total", models.IntegerField(verbose_name="total")),
                ("updated_at", models.DateTimeField(verbose_name="updated")),
            ],
            options={"verbose_name_plural": "popular queries"},
        ),
    ]
