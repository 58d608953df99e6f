"""Every refusal over the API is a problem document with a stable code; every refusal of a page is a page."""

import importlib
import importlib.util
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError
from django.test import Client, RequestFactory

from core.errors import DomainError
from core.problem_codes import KINDS
from core.views import server_error
from tests.requirements import REPOSITORY

pytestmark = [pytest.mark.urls("tests.core.refusing_urls"), pytest.mark.django_db]
BODY = {"address": {"country": "DE"}, "quantities": [1, 2]}


def post(client: Client, body: object, content_type: str = "application/json") -> Any:
    """Send a body as it is."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post("/api/v1/refuse/body", data, content_type=content_type)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("conflict", 409, "conflict"),
        ("invalid", 400, "invalid_input"),
        ("unavailable", 503, "unavailable"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("down", 503, "unavailable"),
        ("pool", 503, "unavailable"),
        ("timeout", 503, "unavailable"),
        ("too_deep", 400, "page_too_deep"),
    ],
)
def test_the_api_answers_with_a_document_and_a_page_with_a_page(
    client: Client, kind: str, status: int, code: str
) -> None:
    document = client.get(f"/api/v1/refuse/{kind}")
    page = client.get(f"/refuse/{kind}/")

    assert (document.status_code, document["Content-Type"]) == (status, "application/problem+json")
    assert (document.json()["code"], document.json()["type"]) == (code, f"/problems/{code}/")
    assert document.json()["status"] == status
    assert page.status_code == status
    assert page["Content-Type"].startswith("text/html")
    assert b"secret" not in document.content + page.content


def test_facts_and_fields_and_the_time_to_wait_travel_along(client: Client) -> None:
    conflict = client.get("/api/v1/refuse/conflict").json()
    invalid = client.get("/api/v1/refuse/invalid").json()
    away = client.get("/api/v1/refuse/unavailable")

    assert conflict == {
        "type": "/problems/conflict/",
        "title": "Not in the state things are in",
        "status": 409,
        "detail": "It moved.",
        "code": "conflict",
        "lines": [{"product_id": 7, "available": 2}],
    }
    assert invalid["errors"] == [{"pointer": "/address/country", "code": "unknown", "detail": "No such country."}]
    assert away["Retry-After"] == "5"


def test_a_defect_is_a_500_that_tells_nothing(client: Client) -> None:
    client.raise_request_exception = False

    document = client.get("/api/v1/refuse/defect")
    page = client.get("/refuse/defect/")

    assert (document.status_code, document.json()["code"]) == (500, "server_error")
    assert page.status_code == 500
    assert b"secret" not in document.content + page.content


def test_a_database_that_is_away_before_the_view_is_no_defect() -> None:
    try:
        raise OperationalError("secret detail")
    except OperationalError:
        document = server_error(RequestFactory().get("/api/v1/cart"))
        page = server_error(RequestFactory().get("/cart/"))

    assert (document.status_code, page.status_code) == (503, 503)
    assert (document["Content-Type"], document["Retry-After"]) == ("application/problem+json", "1")
    assert b"secret" not in document.content + page.content


def test_wrong_fields_are_named_by_json_pointer(client: Client) -> None:
    answer = post(client, {"address": {"country": "DEU"}, "quantities": [1, "two"]})

    assert answer.status_code == 400
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/address/country", "max_length"),
        ("/quantities/1", "invalid"),
    ]


@pytest.mark.parametrize(
    "body",
    ["{", "", "[1,]", '{"a": NaN}', b"\xff\xfe", "[" * 20_000 + "]" * 20_000, '{"address": "\\ud800"}'],
    ids=["cut off", "empty", "comma", "NaN", "not UTF-8", "deep", "half a character"],
)
def test_a_body_that_is_no_json_is_refused(client: Client, body: str | bytes) -> None:
    answer = post(client, body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_refused(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = post(client, {**BODY, "padding": "x" * 1000})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_the_right_body_passes(client: Client) -> None:
    assert post(client, BODY).json() == BODY


def test_other_content_methods_and_strangers_are_refused(client: Client) -> None:
    xml = post(client, "<a/>", "application/xml")
    method = client.delete("/api/v1/refuse/body")
    stranger = client.get("/api/v1/private")
    nonsense = client.get("/api/v1/private", headers={"Authorization": "Token \xff\xfe"})

    assert (xml.status_code, xml.json()["code"]) == (415, "unsupported_media_type")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in method["Allow"]
    assert (stranger.status_code, stranger.json()["code"], stranger["WWW-Authenticate"]) == (
        401,
        "not_authenticated",
        "Token",
    )
    assert (nonsense.status_code, nonsense.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("address", ["/api/", "/api/v1/nothing", "/api/v2/categories", "/api/v1/products/%00"])
def test_an_address_of_the_api_that_is_none_is_a_document(client: Client, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code in (400, 404)
    assert answer["Content-Type"] == "application/problem+json"


def test_an_address_that_is_none_is_a_page(client: Client) -> None:
    answer = client.get("/nothing/here/")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_a_zero_byte_in_a_query_is_refused_before_it_reaches_the_database(client: Client) -> None:
    document = client.get("/api/v1/refuse/conflict?q=%00")
    page = client.get("/refuse/conflict/?q=a%00b")

    assert (document.status_code, document.json()["code"]) == (400, "malformed")
    assert page.status_code == 400


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_has_a_page_that_explains_it(client: Client, code: str) -> None:
    answer = client.get(f"/problems/{code}/")

    assert answer.status_code == 200
    assert code in answer.content.decode()


def test_every_refusal_of_every_app_is_in_the_table() -> None:
    ours = [app for app in apps.get_app_configs() if Path(app.path).parent == REPOSITORY]
    for app, room in itertools.product(ours, ("errors", "services", "operations", "selectors", "gateways", "api")):
        if importlib.util.find_spec(f"{app.name}.{room}"):
            importlib.import_module(f"{app.name}.{room}")

    unknown = sorted({kind.code for kind in descendants(DomainError) if kind.__module__[:6] != "tests."} - set(KINDS))

    assert unknown == []


def descendants(kind: type[DomainError]) -> list[type[DomainError]]:
    """Every error below ``kind``."""
    return [heir for child in kind.__subclasses__() for heir in (child, *descendants(child))]
