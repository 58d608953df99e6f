"""Claims on keys: who may go on, what is answered again, and what a dead or slow process leaves behind."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from pytest_django import Settings

from core import idempotency
from core.errors import Conflict, Unavailable
from core.idempotency import Answer, Claim
from core.models import IdempotencyClaim
from core.services import forget_old
from tests.races.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE, LIFE, REFUSED_LIFE = timedelta(seconds=25), timedelta(hours=24), timedelta(seconds=300)
SAID = Answer(status=201, body=b'{"made": 1}', headers={"Content-Type": "application/json", "Location": "/made/1"})
ANOTHER = "f" * 64


@pytest.fixture(params=["up", "emptied", "down"], autouse=True)
def valkey(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Every test is run with Valkey answering, emptied before every claim, and away."""
    if request.param == "down":
        location = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}
        settings.CACHES = {"default": location}
    return str(request.param)


@pytest.fixture
def claim(valkey: str) -> Callable[..., Claim | Answer]:
    """Claims the one key of these tests."""

    def claim_it(
        *, at: datetime = NOW, owner: str = "user:1", key: str = "k", fingerprint: str = "a"
    ) -> Claim | Answer:
        if valkey == "emptied":
            cache.clear()
        return idempotency.claim(scope="test", owner=owner, key=key, fingerprint=fingerprint, now=at)

    return claim_it


def store(claimed: Claim, *, at: datetime = NOW) -> None:
    with transaction.atomic():
        idempotency.hold(claimed)
        idempotency.store(claimed, SAID, now=at)


def owned(found: Claim | Answer) -> Claim:
    assert isinstance(found, Claim)
    return found


def said(found: Claim | Answer) -> Answer:
    assert isinstance(found, Answer)
    return found


@contextmanager
def without_the_constraint() -> Iterator[None]:
    """Takes away what makes a key unique, and brings it back."""
    constraint = next(it for it in IdempotencyClaim._meta.constraints if it.name == "idempotency_claim_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(IdempotencyClaim, constraint)
    try:
        yield
    finally:
        IdempotencyClaim.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(IdempotencyClaim, constraint)


Claiming = Callable[..., Claim | Answer]


def test_the_first_gets_the_claim_and_a_second_is_told_to_wait(claim: Claiming) -> None:
    owned(claim())

    with pytest.raises(idempotency.InProgress) as busy:
        claim(at=NOW + LEASE - timedelta(milliseconds=1))

    assert busy.value.retry_after == 5
    assert IdempotencyClaim.objects.get().fence == 1


def test_what_was_answered_is_answered_again_byte_for_byte(claim: Claiming) -> None:
    store(owned(claim()))

    again = said(claim(at=NOW + LIFE - timedelta(seconds=1)))

    assert (again.status, again.body, dict(again.headers)) == (SAID.status, SAID.body, dict(SAID.headers))
    assert again.replayed


def test_a_replay_is_marked_and_no_longer_created(claim: Claiming) -> None:
    store(owned(claim()))

    replay = idempotency.as_replay(said(claim()))

    assert (replay.status, replay.body, replay.headers["Idempotent-Replayed"]) == (200, SAID.body, "true")


def test_another_request_under_the_key_is_refused_running_or_done(claim: Claiming) -> None:
    claimed = owned(claim())

    with pytest.raises(idempotency.KeyReused):
        claim(fingerprint=ANOTHER)
    store(claimed)
    with pytest.raises(idempotency.KeyReused):
        claim(fingerprint=ANOTHER)

    assert said(claim()).body == SAID.body


def test_keys_of_others_are_others(claim: Claiming) -> None:
    for owner, key in (("user:1", "k"), ("user:2", "k"), ("cart:1", "k"), ("user:1", "K")):
        owned(claim(owner=owner, key=key))

    assert IdempotencyClaim.objects.count() == 4


def test_a_dead_claim_is_taken_over_after_its_lease_and_its_owner_can_write_nothing(
    claim: Claiming, valkey: str
) -> None:
    dead = owned(claim())
    cache.clear()  # its entry there ends with the lease, by Valkey's own clock

    heir = owned(claim(at=NOW + LEASE))

    assert (heir.id, heir.fence) == (dead.id, 2)
    with pytest.raises(idempotency.LeaseLost):
        store(dead)
    idempotency.forget(dead)
    idempotency.release(dead, now=NOW)
    with pytest.raises(idempotency.LeaseLost):
        idempotency.refuse(dead, Conflict("too late"), now=NOW)
    assert IdempotencyClaim.objects.get().state == "running"
    store(heir)
    assert said(claim()).body == SAID.body


def test_only_the_same_request_takes_over_a_dead_claim(claim: Claiming) -> None:
    claim()
    cache.clear()

    with pytest.raises(idempotency.KeyReused):
        claim(at=NOW + LEASE, fingerprint=ANOTHER)


def test_of_many_that_take_over_one_goes_on(claim: Claiming) -> None:
    claim()
    cache.clear()

    results = at_once([lambda: claim(at=NOW + LEASE)] * 16)

    winners = [result for result in results if isinstance(result, Claim)]
    assert [winner.fence for winner in winners] == [2]
    assert sum(isinstance(result, idempotency.InProgress) for result in results) == 15


def test_of_many_first_ones_one_goes_on(claim: Claiming) -> None:
    results = at_once([claim] * 16)

    assert sum(isinstance(result, Claim) for result in results) == 1
    assert sum(isinstance(result, idempotency.InProgress) for result in results) == 15


def test_a_released_claim_goes_on_at_once_but_for_the_same_request_only(claim: Claiming) -> None:
    claimed = owned(claim())

    idempotency.release(claimed, now=NOW)

    with pytest.raises(idempotency.KeyReused):
        claim(fingerprint=ANOTHER)
    assert owned(claim()).fence == 2


def test_a_forgotten_claim_is_as_if_it_had_never_been(claim: Claiming) -> None:
    idempotency.forget(owned(claim()))

    assert owned(claim(fingerprint=ANOTHER)).fence == 1


def test_a_refusal_is_remembered_for_300_seconds(claim: Claiming, valkey: str) -> None:
    idempotency.refuse(owned(claim()), Conflict("not now", params={"left": 3}), now=NOW)

    again = said(claim(at=NOW + REFUSED_LIFE - timedelta(seconds=1)))
    cache.clear()
    later = claim(at=NOW + REFUSED_LIFE)

    problem = json.loads(again.body)
    assert (again.status, problem["code"], problem["detail"], problem["left"]) == (409, "conflict", "not now", 3)
    assert owned(later).fence == 2


def test_trouble_of_the_server_is_not_remembered(claim: Claiming) -> None:
    idempotency.refuse(owned(claim()), Unavailable("busy"), now=NOW)

    assert IdempotencyClaim.objects.count() == 0
    owned(claim())


def test_an_answer_stands_or_falls_with_the_transaction(claim: Claiming) -> None:
    claimed = owned(claim())

    with transaction.atomic():
        idempotency.hold(claimed)
        idempotency.store(claimed, SAID, now=NOW)
        transaction.set_rollback(True)

    with pytest.raises(idempotency.InProgress):
        claim()


def test_a_claim_is_never_part_of_another_transaction(claim: Claiming) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        claim()


def test_old_claims_are_forgotten_answered_or_abandoned(claim: Claiming) -> None:
    store(owned(claim()))
    claim(key="abandoned")
    claim(key="young", at=NOW + timedelta(hours=12))

    forget_old(now=NOW + LIFE + timedelta(seconds=1))

    assert list(IdempotencyClaim.objects.values_list("key", flat=True)) == ["young"]


@pytest.mark.parametrize("rubbish", ["x", "{}", "[1]", '{"fingerprint": "a", "state": "done"}', "null"])
def test_rubbish_in_valkey_is_passed_over(claim: Claiming, rubbish: str) -> None:
    claimed = owned(claim())
    store(claimed)
    cache.set(claimed.cache_key, rubbish)

    assert said(claim()).body == SAID.body


def test_a_key_of_255_characters_is_taken_whole(claim: Claiming) -> None:
    store(owned(claim(key="k" * 255)))

    owned(claim(key="k" * 254 + "x"))


@pytest.mark.parametrize("key", ["k" * 256, "k\n", "schlüssel", "\x00"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(idempotency.KeyInvalid):
        idempotency.read_key({"Idempotency-Key": key})


@pytest.mark.parametrize("valkey", ["down"], indirect=True)  # up, it would turn late ones away
def test_a_control_without_the_unique_constraint_two_go_on(claim: Claiming) -> None:
    """What the constraint is for: without it every one of them goes on."""
    with without_the_constraint():
        results = at_once([claim] * 8)

    assert all(isinstance(result, Claim) for result in results)
