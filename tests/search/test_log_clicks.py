"""What can not be a click is refused before anybody is bothered with it."""

import json

import pytest
from django.test import Client

from search.logbook import BOOK
from tests.search.logs import CLICKS, GOOD_CLICK

pytestmark = pytest.mark.django_db


def _with(name: str, *values: object) -> list[dict[str, object]]:
    return [{**GOOD_CLICK, name: value} for value in values]


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        "x",
        None,
        *({name: value for name, value in GOOD_CLICK.items() if name != missing} for missing in GOOD_CLICK),
        *_with("search_id", "", "x", 5, None, [], "6a1b6c2e", {"a": 1}),
        *_with("position", 0, -1, 10_021, "x", None, 1.5, 10**30, True, [1]),
        *_with("product_id", 0, -1, 2**63, "x", None, 1.5, "9" * 5000, False),
    ],
)
def test_a_click_that_can_not_be_is_refused(client: Client, told: object) -> None:
    answer = client.post(CLICKS, json.dumps(told), content_type="application/json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert len(BOOK) == 0


def test_only_a_post_of_json_tells_a_click(client: Client) -> None:
    assert client.get(CLICKS).status_code == 405
    assert client.post(CLICKS, GOOD_CLICK).status_code == 415
    assert client.post(CLICKS, "{", content_type="application/json").status_code == 400
