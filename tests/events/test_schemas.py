"""Events as they are promised to readers outside: registered, described, only added to, and without anything personal."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import transaction

from cart.events import CartChanged
from core import event_schemas, event_types, events
from core.clock import now
from core.models import OutboxEvent
from core.types import Event
from ecommerce.events import SUBSCRIBERS
from tests.events.conftest import Bench
from tests.events.happened import TOPIC, TYPE, Happened
from tests.events.transports import Transport, publish
from tests.requirements import REPOSITORY

FILES = REPOSITORY / "docs" / "events"
PERSONAL = re.compile(
    r"e_?mail|name|address|street|city|postal|phone|birth|(^|_)ip($|_)|token|password|card|agent|session|user"
)
OURS = {name: kind for name, kind in event_types.registered().items() if not name.startswith("test.")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """As a later release may have it."""

    n: int
    note: str = ""
    colour: str = "none"
    parts: list[int] = field(default_factory=list)


@pytest.fixture
def later_release() -> Iterator[None]:
    """Publishes `test.happened` in its second version."""
    event_types._by_class[Grown] = event_types.EventType(TYPE, 2, TOPIC, "", Grown)
    yield
    del event_types._by_class[Grown]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("later_release")
def test_a_reader_of_the_first_version_reads_an_event_of_the_second(transport: Transport, told: Bench) -> None:
    with transaction.atomic():
        events.publish(Grown(n=7, note="hm", colour="red", parts=[1]), key="a", now=now())

    transport.step()

    assert told.understood == [Happened(n=7, note="hm")]
    assert told.effects("a") == [7]
    assert OutboxEvent.objects.values_list("version", "data").get() == (
        2,
        {"n": 7, "note": "hm", "colour": "red", "parts": [1]},
    )


@pytest.mark.django_db(transaction=True)
def test_a_reader_of_the_second_version_reads_an_event_of_the_first(transport: Transport, told: Bench) -> None:
    told.reads = Grown
    publish("a", 3)

    transport.step()

    assert told.understood == [Grown(n=3, note="", colour="none", parts=[])]
    assert told.effects("a") == [3]


def test_an_event_that_says_something_else_is_not_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="version"):
        event_types.read(_event({"cart_id": 1}), CartChanged)


@pytest.mark.django_db(transaction=True)
def test_what_is_not_registered_is_not_published() -> None:
    with pytest.raises(event_types.UnknownEvent, match="Stranger is no registered event"), transaction.atomic():
        events.publish(Stranger(), key="a", now=now())

    assert not OutboxEvent.objects.exists()


def test_everything_that_somebody_listens_to_is_registered() -> None:
    assert set(SUBSCRIBERS) <= set(OURS)


def test_a_name_is_given_once_and_to_frozen_dataclasses_only() -> None:
    with pytest.raises(ValueError, match="is the name of CartChanged already"):
        event_types.event("cart.changed", topic=TOPIC, key="")(Grown)
    with pytest.raises(ValueError, match="no frozen dataclass"):
        event_types.event("test.thawed", topic=TOPIC, key="")(Stranger)


def test_the_files_say_what_the_code_does() -> None:
    assert "all as docs/events has them" in write_event_schemas("--check").stdout


def test_no_field_of_any_event_is_personal() -> None:
    fields = {
        f"{name}: {path}" for name, kind in OURS.items() for path in _fields(event_schemas.schemas([name]).popitem()[1])
    }

    assert len(fields) > 50
    assert sorted(found for found in fields if PERSONAL.search(found.partition(": ")[2])) == []


@pytest.mark.parametrize("field_name", ["email", "shipping_address", "client_ip", "cart_token", "full_name", "user_id"])
def test_a_personal_field_would_be_seen(field_name: str) -> None:
    assert PERSONAL.search(field_name)


@pytest.fixture
def promised(tmp_path: Path) -> Path:
    """A folder with the file of `cart.changed` and the index, as they were written once."""
    event_schemas.write(event_schemas.schemas(["cart.changed"]), tmp_path)
    return tmp_path


def _changed(folder: Path, **changes: Any) -> event_schemas.Differences:
    """What is said of a `cart.changed` whose schema has these ``changes``; None takes a field away."""
    found = deepcopy(event_schemas.schemas(["cart.changed"]))
    ((name, schema),) = found.items()
    version = changes.pop("version_of_event", 1)
    for field_name, kind in changes.items():
        if kind is None:
            del schema["properties"][field_name]
            schema["required"].remove(field_name)
        else:
            schema["properties"][field_name] = kind
    return event_schemas.compare({name.replace("v1", f"v{version}"): schema}, folder)


def test_a_field_that_went_breaks_readers(promised: Path) -> None:
    assert _changed(promised, version=None).broken == ["cart.changed.v1: version is gone"]


def test_a_field_that_means_something_else_breaks_readers_in_a_new_version_too(promised: Path) -> None:
    told = _changed(promised, version={"type": "string"}, version_of_event=2)

    assert told.broken == ["cart.changed.v1: version means something else"]


def test_a_new_field_takes_a_new_version(promised: Path) -> None:
    colour = {"type": "string", "default": ""}

    assert _changed(promised, colour=colour).broken == [
        "cart.changed.v1: colour is new: that takes a new version",
    ]
    told = _changed(promised, colour=colour, version_of_event=2)
    assert (told.broken, told.outdated) == ([], ["cart.changed.v2.json is missing"])


def test_a_new_field_that_events_from_before_lack_may_not_be_demanded(promised: Path) -> None:
    found = deepcopy(event_schemas.schemas(["cart.changed"]))
    ((_, schema),) = found.items()
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"].append("colour")

    told = event_schemas.compare({"cart.changed.v2.json": schema}, promised)

    assert told.broken == ["cart.changed.v1: colour is demanded all at once"]


def test_an_event_that_is_gone_breaks_readers(promised: Path) -> None:
    told = event_schemas.compare(event_schemas.schemas(["product.changed"]), promised)

    assert told.broken == ["cart.changed.v1 is promised and no event any more"]


def test_a_broken_promise_of_one_event_hides_nothing_of_another(promised: Path) -> None:
    event_schemas.write(event_schemas.schemas(["product.changed"]), promised)
    found = deepcopy(event_schemas.schemas(["cart.changed", "product.changed"]))
    del found["cart.changed.v1.json"]["properties"]["version"]
    found["product.changed.v1.json"]["properties"]["colour"] = {"type": "string", "default": ""}

    told = event_schemas.compare(found, promised)

    assert told.broken == [
        "cart.changed.v1: version is gone",
        "product.changed.v1: colour is new: that takes a new version",
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of `docs/events`."""
    for file in FILES.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    return tmp_path


def test_the_command_refuses_to_break_a_promise_and_writes_nothing(folder: Path) -> None:
    older = json.loads((folder / "cart.changed.v1.json").read_text())
    older["properties"]["colour"] = {"type": "string"}
    (folder / "cart.changed.v1.json").write_text(json.dumps(older))
    before = contents(folder)

    told = write_event_schemas("--folder", str(folder))

    assert (told.returncode, "cart.changed.v1: colour is gone" in told.stderr) == (1, True)
    assert contents(folder) == before


def test_files_behind_the_code_are_told_by_the_check_and_mended_without_it(folder: Path) -> None:
    (folder / "product.changed.v1.json").unlink()
    index = folder / event_schemas.INDEX
    index.write_text(re.sub(r"^.*order\.paid.*\n", "", index.read_text(), flags=re.MULTILINE))
    behind = contents(folder)

    told = write_event_schemas("--check", "--folder", str(folder))

    assert told.returncode == 1
    assert told.stderr.splitlines()[1:] == ["  product.changed.v1.json is missing", "  README.md lacks what is new"]
    assert contents(folder) == behind
    assert write_event_schemas("--folder", str(folder)).returncode == 0
    assert contents(folder) == contents(FILES)


def contents(folder: Path) -> dict[str, str]:
    """The text of each file."""
    return {file.name: file.read_text() for file in folder.iterdir()}


def write_event_schemas(*options: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, which knows none of the tests' events."""
    command = [sys.executable, "-W", "ignore", "manage.py", "write_event_schemas", *options]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@dataclass
class Stranger:
    """Nobody knows it."""


def _event(data: dict[str, Any]) -> Event:
    return Event(event_id=None, topic=TOPIC, key="a", type=TYPE, version=1, data=data, occurred_at=now())  # type: ignore[arg-type]  # nobody looks


def _fields(schema: dict[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
