"""How far an import got, written in the transaction of each batch: what stands after a kill is whole batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from catalog.feeds.refusals import Refusal, RefusedLine
from catalog.models import ImportRefusal, ImportRun
from core.transactions import require_transaction

KEPT_FOR = timedelta(days=90)
LONGEST_ROW = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What rows came to."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            created=self.created + other.created,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            refused=self.refused + other.refused,
        )

    @property
    def rows(self) -> int:
        """All of them."""
        return self.created + self.changed + self.unchanged + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An import that is under way: lines up to ``line`` are done."""

    id: int
    line: int
    tally: Tally


def begin(*, fingerprint: str, file_name: str, restart: bool, now: datetime) -> Run:
    """Go on with the unfinished run of this file, or begin one; with ``restart`` begin in any case.

    Runs that ended long ago are forgotten.
    """
    require_transaction("catalog.imports.begin")
    ImportRun.objects.filter(finished_at__lt=now - KEPT_FOR).delete()
    unfinished = ImportRun.objects.filter(fingerprint=fingerprint, finished_at=None)
    if restart:
        unfinished.update(finished_at=now)
    run, _is_new = unfinished.get_or_create(
        fingerprint=fingerprint, finished_at=None, defaults={"file_name": file_name[-255:], "started_at": now}
    )
    tally = Tally(created=run.created, changed=run.changed, unchanged=run.unchanged, refused=run.refused)
    return Run(id=run.pk, line=run.line, tally=tally)


def advance(*, run_id: int, line: int, tally: Tally, refused: Sequence[RefusedLine]) -> None:
    """Note that lines up to ``line`` are done, and what the last ones came to."""
    require_transaction("catalog.imports.advance")
    ImportRun.objects.filter(pk=run_id).update(
        line=line,
        created=F("created") + tally.created,
        changed=F("changed") + tally.changed,
        unchanged=F("unchanged") + tally.unchanged,
        refused=F("refused") + tally.refused,
    )
    ImportRefusal.objects.bulk_create(
        [
            ImportRefusal(
                run_id=run_id,
                line=row.line,
                code=row.refusal.code,
                field=row.refusal.field[:200],
                detail=row.refusal.detail[:500],
                row=row.row[:LONGEST_ROW],
            )
            for row in refused
        ]
    )


def finish(*, run_id: int, now: datetime) -> None:
    """Note that the file is done."""
    ImportRun.objects.filter(pk=run_id).update(finished_at=now)


def refusals(*, run_id: int) -> list[RefusedLine]:
    """Every line that the run did not take, in order. One query."""
    rows = ImportRefusal.objects.filter(run_id=run_id).order_by("line", "pk").iterator()
    return [
        RefusedLine(line=row.line, refusal=Refusal(row.code, row.field, row.detail), row=row.row)  # type: ignore[arg-type]  # a Code when written
        for row in rows
    ]
