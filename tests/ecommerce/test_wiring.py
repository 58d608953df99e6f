"""What is wired by name exists: a typing mistake in a table would show only when the first event comes."""

import inspect

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from ecommerce.events import JOBS, SUBSCRIBERS

HANDLERS = sorted({subscriber.handler for subscribers in SUBSCRIBERS.values() for subscriber in subscribers})


@pytest.mark.parametrize("path", HANDLERS)
def test_a_handler_takes_an_event_and_now(path: str) -> None:
    inspect.signature(import_string(path)).bind(object(), now=object())


@pytest.mark.parametrize("path", [job.path for job in JOBS])
def test_a_job_takes_now(path: str) -> None:
    inspect.signature(import_string(path)).bind(now=object())


@pytest.mark.parametrize("path", settings.LOGIN_HOOKS)
def test_a_login_hook_takes_the_user_and_the_cart(path: str) -> None:
    inspect.signature(import_string(path)).bind(user_id=1, cart_token="", now=object())


def test_a_group_takes_an_event_once() -> None:
    for subscribers in SUBSCRIBERS.values():
        groups = [subscriber.group for subscriber in subscribers]

        assert len(groups) == len(set(groups))


def test_every_task_of_the_schedule_exists() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert import_string(entry["task"]).name == entry["task"]
