"""Indexes and constraints set aside, and put back as they were."""

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from core.indexes import hold_tables, put_back, set_aside
from tests.schemas import schema_of

pytestmark = pytest.mark.django_db

MADE = """
    CREATE TABLE "Parents" (id bigint PRIMARY KEY, code text UNIQUE);
    CREATE TABLE children (
        id bigint PRIMARY KEY,
        parent_id bigint NOT NULL CONSTRAINT child_of REFERENCES "Parents" DEFERRABLE INITIALLY DEFERRED,
        parent_code text CONSTRAINT "by code" REFERENCES "Parents" (code) ON DELETE CASCADE,
        name text NOT NULL CHECK (name <> ''),
        place int,
        CONSTRAINT "place once" UNIQUE NULLS NOT DISTINCT (place) DEFERRABLE INITIALLY DEFERRED
    );
    CREATE INDEX "Odd ""index"" name" ON children (upper(name) DESC NULLS LAST, id) INCLUDE (place) WHERE place > 3;
    CREATE UNIQUE INDEX child_name ON children (md5(name)) WITH (fillfactor = 70);
    CREATE INDEX child_remarked ON children (place);
    COMMENT ON INDEX child_remarked IS 'for the monthly report';
    ALTER TABLE children ADD CONSTRAINT unproven FOREIGN KEY (place) REFERENCES "Parents" NOT VALID;
    CREATE INDEX child_words ON children USING gin (to_tsvector('english', name));
"""


def make_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(MADE)
    return ["children", '"Parents"']


def test_what_was_set_aside_is_put_back_as_it_was() -> None:
    tables = make_tables()
    before = schema_of(tables)

    pieces = set_aside(tables)
    between = [row[0] for row in schema_of(tables)]
    told: list[str] = []
    put_back(pieces, advance=lambda piece: told.append(piece.name))

    assert schema_of(tables) == before
    # Foreign keys come last: they rest on the others.
    assert told[-3:] == ["by code", "child_of", "unproven"]
    assert sorted(told[:-3]) == ['Odd "index" name', "child_name", "child_words", "place once"]
    # Primary keys, a key that others refer to, and an index with a remark, which its definition does not tell, stay.
    assert not set(told) & set(between)
    assert {"Parents_pkey", "children_pkey", "Parents_code_key", "child_remarked"} <= set(between)


def test_rows_that_break_a_rule_do_not_get_past_it() -> None:
    pieces = set_aside(make_tables())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO children VALUES (1, 2, NULL, 'orphan', 1)")

    with pytest.raises(IntegrityError, match="child_of"), transaction.atomic():
        put_back(pieces, advance=lambda _piece: None)


def test_tables_that_somebody_uses_are_not_waited_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 100")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("INSERT INTO catalog_brand (name, slug) VALUES ('A', 'a')")

        # The brands are not named here, but what is named refers to them.
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
            hold_tables(["catalog_productfamily"])

        other.rollback()
