"""The OpenAPI document and the reference page made from it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scheduler.web.api_korean import OPERATIONS
from scheduler.web.rights import matrix
from tests.web.conftest import Web
from tests.web.openapi_file import FILE, text


def test_the_file_is_what_the_routes_say() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.web.openapi_file"


@pytest.fixture
def document(web: Web) -> dict[str, Any]:
    answer = web.ask["none"].get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def test_every_route_of_the_api_is_in_it_with_its_role(web: Web, document: dict[str, Any]) -> None:
    named = {(method.upper(), path): each["x-role"] for path, method, each in operations(document)}
    routes = {(method, re.sub(r":\w+}", "}", path)): "anyone" if role is None else role.name.lower()
              for method, path, role in matrix(web.app)}
    expected = {key: role for key, role in routes.items() if key[1].startswith("/api/") or key[1] in ("/metrics", "/healthz")}
    assert expected.items() <= named.items()


def test_every_operation_names_its_refusals_itself_and_what_it_is_for(document: dict[str, Any]) -> None:
    ids = [each["operationId"] for _, _, each in operations(document)]
    assert len(ids) == len(set(ids))
    tags = {each["name"] for each in document["tags"]}
    for path, method, each in operations(document):
        assert each.get("description"), (path, method)
        assert set(each["tags"]) <= tags, (path, each["tags"])
        if each["x-role"] != "anyone":
            assert "401" in each["responses"] and each["security"] == [{"bearer": []}, {"cookie": []}]
        for status, response in each["responses"].items():
            if not status.startswith("2") and "$ref" in response:
                target = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                assert list(target["content"]) == ["application/problem+json"]


def test_every_operation_tag_and_parameter_speaks_both_languages(document: dict[str, Any]) -> None:
    hangul = re.compile("[가-힣]")
    for tag in document["tags"]:
        assert hangul.search(tag["x-description-ko"]) and not hangul.search(tag["description"]), tag
    for path, method, each in operations(document):
        where = (path, method)
        assert hangul.search(each.get("x-summary-ko", "")), where
        assert each["x-description-ko"].startswith(each["x-summary-ko"]), where
        assert each["summary"] and not hangul.search(each["summary"] + each["description"]), where
        assert each["x-description-ko"].count("\n\n") == each["description"].count("\n\n"), where
        for one in each.get("parameters", []):
            korean, slash, english = one.get("description", "").partition(" / ")
            assert hangul.search(korean) and slash and english and not hangul.search(english), (where, one["name"])
    assert set(OPERATIONS) == {each["operationId"] for _, _, each in operations(document)}


def test_every_reference_leads_somewhere_and_every_example_fits(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": ?"#/components/([^"]+)"', str(document).replace("'", '"'))):
        kind, name = reference.split("/")
        assert name in document["components"][kind]
    for name, schema in document["components"]["schemas"].items():
        whole = {**schema, "components": document["components"]}
        for example in schema.get("examples", ()):
            assert not list(Draft202012Validator(whole).iter_errors(example)), name


def test_a_problem_has_the_shape_that_is_written(web: Web, document: dict[str, Any]) -> None:
    problem = web.ask["viewer"].get("/api/v1/executions", params={"limit": 0})
    assert problem.headers["content-type"] == "application/problem+json"
    assert not list(Draft202012Validator(document["components"]["schemas"]["Problem"]).iter_errors(problem.json()))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_shows_every_operation_in_its_language_without_leaving_the_house(
    web: Web, document: dict[str, Any], language: str
) -> None:
    page = web.page("/scheduler/api", "viewer", language)
    assert page.status_code == 200
    for _, _, each in operations(document):
        assert f'id="{each["operationId"]}"' in page.text
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    for _, _, each in operations(document):
        summary = each["x-summary-ko"] if language == "ko" else each["description"].split("\n\n")[0]
        assert summary.replace("`", "").replace("\n", " ")[:40] in unescape(page.text).replace("\n", " "), each["operationId"]
    words = re.sub(r"<code>.*?</code>|<pre.*?</pre>", "", page.text, flags=re.DOTALL)
    assert bool(re.search("[가-힣]", words)) is (language == "ko")
    assert web.page("/scheduler/api", "none").status_code == 303
