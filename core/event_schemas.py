"""JSON Schemas of all events, as files that readers outside rely on: what a file has promised, the code keeps."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec

from core.event_types import EventType, registered
from core.types import Subscriber

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INDEX = "README.md"
BEGIN, END = "<!-- written by manage.py write_event_schemas -->", "<!-- up to here -->"


@dataclass(slots=True)
class Differences:
    """What the files do not say yet, and what of theirs the code breaks."""

    outdated: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def schemas(names: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """The schema of every event, of ``names`` only where any are given, by file name."""
    wanted = [kind for name, kind in sorted(registered().items()) if not names or name in names]
    return {file_of(kind): _schema(kind) for kind in wanted}


def file_of(kind: EventType) -> str:
    """The name of the file with this event's schema."""
    return f"{kind.name}.v{kind.version}.json"


def compare(found: Mapping[str, Mapping[str, Any]], folder: Path) -> Differences:
    """How ``found``, as `schemas` gives them, differ from the files in ``folder``, those of earlier versions too."""
    told = Differences()
    names = {_event_of(name) for name in found}
    for name, schema in found.items():
        broken = [
            line
            for file in sorted(folder.glob(f"{_event_of(name)}.v*.json"))
            for line in breaches(json.loads(file.read_text()), schema, file.stem)
        ]
        told.broken += broken
        if not (folder / name).exists():
            told.outdated.append(f"{name} is missing")
        elif not broken and (promised := json.loads((folder / name).read_text())) != schema:
            fresh = additions(promised, schema, name.removesuffix(".json"))
            told.broken += [f"{line} is new: that takes a new version" for line in fresh]
            told.outdated += [] if fresh else [f"{name} has other descriptions"]
    for file in sorted(folder.glob("*.json")):
        if _event_of(file.name) not in names:
            told.broken.append(f"{file.stem} is promised and no event any more")
    return told


def additions(promised: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> list[str]:
    """The fields that ``schema`` has and ``promised`` has not."""
    found = [f"{where}: {name}" for name in _added(promised, schema, "properties")]
    for name, part in schema.get("$defs", {}).items():
        found += additions(promised.get("$defs", {}).get(name, {}), part, f"{where}/{name}")
    return found


def breaches(promised: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> list[str]:
    """What readers of ``promised`` count on and ``schema`` lacks: fields gone, meant otherwise, or no longer sure to come.

    And what ``schema`` demands although events of ``promised`` lack it. Descriptions are free.
    """
    found = []
    fields, now = promised.get("properties", {}), schema.get("properties", {})
    for name, was in fields.items():
        if name not in now:
            found.append(f"{where}: {name} is gone")
        else:
            found += _retyped(was, now[name], f"{where}: {name}")
    found += [f"{where}: {name} is demanded all at once" for name in _added(promised, schema, "required")]
    found += [f"{where}: {name} may be left out now" for name in _added(schema, promised, "required") if name in now]
    for name, part in promised.get("$defs", {}).items():
        found += breaches(part, schema.get("$defs", {}).get(name, {}), f"{where}/{name}")
    return found


def write(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write the files of ``found`` into ``folder``."""
    for name, schema in found.items():
        (folder / name).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def index(subscribers: Mapping[str, Collection[Subscriber]]) -> str:
    """The table of all events for people: what each says, on which topic and key, who tells of it and who listens."""
    lines = [
        "| event | version | topic | key | published by | listened to by | says |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, kind in sorted(registered().items()):
        groups = ", ".join(sorted({listener.group for listener in subscribers.get(name, ())})) or "nobody yet"
        says = (getdoc(kind.data) or "").partition("\n")[0]
        what = f"[`{name}`]({file_of(kind)}) | {kind.version} | `{kind.topic}` | {kind.key}"
        lines.append(f"| {what} | {kind.publisher} | {groups} | {says} |")
    return "\n".join(lines)


def with_index(text: str, table: str) -> str:
    """``text`` with ``table`` between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _schema(kind: EventType) -> dict[str, Any]:
    (reference,), parts = msgspec.json.schema_components([kind.data])
    own = parts.pop(reference["$ref"].rpartition("/")[2])
    found = {
        "$schema": DIALECT,
        "$id": f"urn:shop:event:{kind.name}:{kind.version}",
        **own,
        "title": kind.name,
    }
    if parts:
        found["$defs"] = parts
    whole: dict[str, Any] = json.loads(json.dumps(found))  # as a file has it, with lists for tuples
    return whole


def _event_of(file: str) -> str:
    return file.removesuffix(".json").rpartition(".v")[0]


def _retyped(was: Mapping[str, Any], now: Mapping[str, Any], where: str) -> list[str]:
    bare = [{key: part for key, part in given.items() if key not in ("description", "default")} for given in (was, now)]
    return [] if bare[0] == bare[1] else [f"{where} means something else"]


def _added(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> list[str]:
    return [name for name in after.get(key, ()) if name not in before.get(key, ())]
