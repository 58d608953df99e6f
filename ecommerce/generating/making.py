"""Blocks of products with their stock, made by processes of their own while this one writes. Needs no database."""

import gc
import multiprocessing
import signal
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from catalog.generated.plan import BLOCK, Plan
from catalog.generated.products import Catalogue, Lines
from inventory.generated import StockLines, StockPlan, stock_lines


class MakerEnded(Exception):
    """A process that made blocks was ended, by the system or by somebody."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all blocks are made of."""

    plan: Plan
    stock: StockPlan


@dataclass(frozen=True, slots=True)
class Made:
    """A block, ready to be written."""

    products: Lines
    stock: StockLines


def make_blocks(job: Job, *, processes: int) -> Generator[Made, None, None]:
    """All blocks in their order, the same for any number of ``processes``; each makes one ahead, and waits then.

    With none, they are made here. Raises MakerEnded.
    """
    if not processes:
        catalogue = Catalogue(job.plan)
        for number in range(job.plan.blocks):
            yield _make(job, catalogue, number)
        return
    makers = [_Maker(job, turn, processes) for turn in range(min(processes, job.plan.blocks))]
    try:
        for number in range(job.plan.blocks):
            yield makers[number % len(makers)].take()
    finally:
        for maker in makers:
            maker.end()


class _Maker:
    """A process that makes every so many-th block."""

    def __init__(self, job: Job, turn: int, processes: int) -> None:
        # Begun anew and not forked: nothing of this process, such as its connections, is of use there.
        context = multiprocessing.get_context("spawn")
        self._blocks, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(job, turn, processes, theirs), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is seen when it is gone

    def take(self) -> Made:
        try:
            made: Made = self._blocks.recv()
        except EOFError:
            raise MakerEnded("A process that made products was ended.") from None
        return made

    def end(self) -> None:
        self._process.kill()  # it may wait for somebody to take its block
        self._process.join()
        self._blocks.close()


def _work(job: Job, turn: int, processes: int, blocks: "Connection[Made, None]") -> None:
    """What a maker does. It ends with whoever takes its blocks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # lines of text make no cycles
    catalogue = Catalogue(job.plan)
    with suppress(BrokenPipeError):
        for number in range(turn, job.plan.blocks, processes):
            blocks.send(_make(job, catalogue, number))


def _make(job: Job, catalogue: Catalogue, number: int) -> Made:
    lines = catalogue.block(number)
    stock = stock_lines(
        job.stock,
        block=job.plan.first // BLOCK + number,
        first=number * BLOCK,
        product_ids=job.plan.product_ids,
        reviews=lines.reviews,
    )
    return Made(lines, stock)
