"""HTTP as clients of tRPC speak it, and as others may: every status, header and shape, request by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.clients.trpc.conftest import SECRET
from tests.support.server import PATIENCE, Server

VARY = "trpc-accept, accept"
JSON = {"content-type": "application/json"}
STREAM = {"trpc-accept": "application/jsonl"}


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client


def given(value: Any) -> str:
    return quote(json.dumps(value))


def key(response: httpx.Response) -> str:
    found: str = response.json()["error"]["data"]["code"]
    return found


def keys(response: httpx.Response) -> list[str]:
    return [each["error"]["data"]["code"] if "error" in each else "OK" for each in response.json()]


def lines(response: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in response.text.splitlines()]


# -- one call ----------------------------------------------------------------------------------------------------------


def test_a_call_is_answered_in_an_envelope(http: httpx.Client) -> None:
    response = http.get(f"/trpc/add?input={given({'left': 1, 'right': 2})}")

    assert (response.status_code, response.json()) == (200, {"result": {"data": 3}})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"] == VARY


def test_a_failure_has_its_status_and_its_shape(http: httpx.Client) -> None:
    response = http.get(f"/trpc/fail?input={given({'code': 'PAYMENT_REQUIRED'})}")

    assert response.status_code == 402
    assert response.json() == {
        "error": {
            "message": "It is PAYMENT_REQUIRED",
            "code": -32002,
            "data": {"code": "PAYMENT_REQUIRED", "httpStatus": 402, "path": "fail", "day": 7},
        }
    }
    assert response.headers["vary"] == VARY


def test_a_bug_is_no_more_than_a_reference(http: httpx.Client) -> None:
    response = http.get("/trpc/crash")

    assert response.status_code == 500
    assert set(response.json()["error"]["data"]) == {"code", "httpStatus", "path"}
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "path", ["nobody", "__proto__", "constructor", "then", "toString", "add.call", "add.", ".add", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_not_found(http: httpx.Client, method: str, path: str) -> None:
    response = http.request(method, f"/trpc/{path}", headers=JSON)

    assert (response.status_code, key(response)) == (404, "NOT_FOUND")
    assert response.json()["error"]["data"]["path"] == path


@pytest.mark.parametrize("path", ["add", "/add/", "a%64d", "%61%64%64"])
def test_slashes_and_percents_do_not_hide_a_procedure(http: httpx.Client, path: str) -> None:
    response = http.get(f"/trpc/{path}?input={given({'left': 1, 'right': 2})}")

    assert response.json() == {"result": {"data": 3}}


@pytest.mark.parametrize("path", ["%", "%z1", "add%", "add%2", "%ff", "%c3%28", "add,%zz"])
def test_a_path_that_is_badly_encoded_is_refused(server: Server, path: str) -> None:
    import http.client as plain  # noqa: PLC0415 - httpx would mend the path

    connection = plain.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", f"/trpc/{path}?batch=1")
    response = connection.getresponse()
    told = json.loads(response.read())
    connection.close()

    assert response.status == 400
    assert told["error"]["data"]["code"] == "BAD_REQUEST"
    assert "path" not in told["error"]["data"]


@pytest.mark.parametrize("text", ["{", "nul", "[1", "'a'", "%00", "NaN"])
def test_an_input_that_is_no_json_is_the_fault_of_the_call(http: httpx.Client, text: str) -> None:
    by_url = http.get(f"/trpc/echo?input={quote(text)}")
    by_body = http.post("/trpc/mirror", content=text, headers=JSON)

    for response, path in ((by_url, "echo"), (by_body, "mirror")):
        assert (response.status_code, key(response)) == (400, "BAD_REQUEST")
        assert response.json()["error"]["data"]["path"] == path


def test_no_input_is_an_absent_one(http: httpx.Client) -> None:
    assert http.get("/trpc/whoami").status_code == 200
    assert http.get("/trpc/whoami?input=").status_code == 200
    assert http.post("/trpc/fail_too", headers=JSON).status_code == 400
    assert http.post("/trpc/mirror", headers=JSON).json() == {"result": {"data": None}}


# -- methods and types of content --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "add", "GET"), ("GET", "mirror", "POST"), ("POST", "countdown", "GET")],
)
def test_each_kind_has_its_method(http: httpx.Client, method: str, path: str, allowed: str) -> None:
    response = http.request(method, f"/trpc/{path}", headers=JSON)

    assert (response.status_code, key(response)) == (405, "METHOD_NOT_SUPPORTED")
    assert response.json()["error"]["code"] == -32005
    assert response.headers["allow"] == allowed


def test_a_mutation_is_never_called_by_get(http: httpx.Client) -> None:
    for mount in ("/trpc", "/override"):
        assert http.get(f"{mount}/mirror?input=1").status_code == 405


def test_the_other_method_is_allowed_where_the_mount_says_so(http: httpx.Client) -> None:
    assert http.post("/override/add", json={"left": 1, "right": 2}).json() == {"result": {"data": 3}}
    with http.stream("POST", "/override/countdown", json={"start": 1}) as response:
        assert response.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("path", ["add", "mirror", "crash", "nobody"])
def test_head_calls_nothing(http: httpx.Client, path: str) -> None:
    response = http.head(f"/trpc/{path}")

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["vary"] == VARY


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(http: httpx.Client, method: str) -> None:
    assert http.request(method, "/trpc/mirror", headers=JSON).status_code == 405


@pytest.mark.parametrize(
    "content_type", ["application/JSON", "application/json; charset=utf-8", "Application/Json ;x=y"]
)
def test_json_is_json_however_it_is_called(http: httpx.Client, content_type: str) -> None:
    response = http.post("/trpc/mirror", content="1", headers={"content-type": content_type})

    assert response.json() == {"result": {"data": 1}}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_no_other_content_is_taken(http: httpx.Client, content_type: str) -> None:
    response = http.post("/trpc/mirror", content="1", headers={"content-type": content_type})

    assert (response.status_code, key(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.json()["error"]["message"].startswith("Unsupported content-type")


def test_content_needs_a_type(http: httpx.Client) -> None:
    response = http.post("/trpc/mirror", content=b"1")

    assert response.status_code == 415
    assert response.json()["error"]["message"] == "Missing content-type header"


def test_the_type_of_a_get_does_not_matter(http: httpx.Client) -> None:
    for content_type in ("text/plain", "multipart/form-data", "application/octet-stream"):
        assert http.get("/trpc/echo?input=1", headers={"content-type": content_type}).json() == {"result": {"data": 1}}


def test_a_form_is_never_a_batch(http: httpx.Client) -> None:
    response = http.post("/trpc/form?batch=1", files={"file": ("a.txt", b"a")})

    assert response.json()["result"]["data"]["file"][0] == "a.txt"


def test_uploads_ignore_connection_parameters(http: httpx.Client) -> None:
    response = http.post("/trpc/form?connectionParams=%7B", files={"file": ("a.txt", b"a")})

    assert response.status_code == 200


@pytest.mark.parametrize("charset", ["nonsense", "punycode", "utf-16"])
def test_a_form_in_another_encoding_than_utf_8_is_of_no_known_type(http: httpx.Client, charset: str) -> None:
    headers = {"content-type": f"multipart/form-data; charset={charset}; boundary=x"}
    response = http.post("/trpc/form", content=b"no form", headers=headers)

    assert (response.status_code, key(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("parameters", ["; boundary=x", "", "; boundary=", '; boundary="'])
@pytest.mark.parametrize(
    "content", [b"no form", b"", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"]
)
def test_a_form_that_is_none_is_a_bad_request(http: httpx.Client, parameters: str, content: bytes) -> None:
    headers = {"content-type": f"multipart/form-data{parameters}"}
    response = http.post("/trpc/form", content=content, headers=headers)

    assert response.status_code == 200 or (response.status_code, key(response)) == (400, "BAD_REQUEST")


def test_a_form_is_no_input_of_a_query(http: httpx.Client) -> None:
    assert http.post("/override/add", files={"file": ("a.txt", b"a")}).status_code == 405


def test_a_body_that_is_too_large_is_told_per_call(http: httpx.Client) -> None:
    single = http.post("/narrow/mirror", json="x" * 4_000)
    batch = http.post("/narrow/mirror,mirror?batch=1", json={"0": "x" * 4_000})

    assert (single.status_code, key(single)) == (413, "PAYLOAD_TOO_LARGE")
    assert (batch.status_code, keys(batch)) == (413, ["PAYLOAD_TOO_LARGE"] * 2)


# -- batches -----------------------------------------------------------------------------------------------------------


def test_answers_are_in_the_order_of_the_calls(http: httpx.Client) -> None:
    response = http.get(f"/trpc/echo,nothing,echo?batch=1&input={given({'0': 'a', '2': 'c'})}")

    assert response.status_code == 200
    assert [each["result"].get("data") for each in response.json()] == ["a", None, "c"]


def test_a_batch_of_one_is_a_list(http: httpx.Client) -> None:
    assert http.get(f"/trpc/echo?batch=1&input={given({'0': 1})}").json() == [{"result": {"data": 1}}]


def test_equal_failures_have_their_status(http: httpx.Client) -> None:
    asked = {"code": "CONFLICT"}
    response = http.get(f"/trpc/fail,fail?batch=1&input={given({'0': asked, '1': asked})}")

    assert (response.status_code, keys(response)) == (409, ["CONFLICT", "CONFLICT"])


def test_different_answers_have_a_status_of_their_own(http: httpx.Client) -> None:
    asked = {"0": 1, "1": {"code": "CONFLICT"}}
    response = http.get(f"/trpc/echo,fail,nobody?batch=1&input={given(asked)}")

    assert (response.status_code, keys(response)) == (207, ["OK", "CONFLICT", "NOT_FOUND"])


def test_what_a_failure_is_called_makes_its_status(http: httpx.Client) -> None:
    asked = {"0": {"code": "CONFLICT", "name": "TOO_MANY_REQUESTS"}}

    assert http.get(f"/trpc/fail?batch=1&input={given(asked)}").status_code == 429


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_kinds_are_not_mixed(http: httpx.Client, headers: dict[str, str]) -> None:
    for response in (
        http.get("/trpc/echo,mirror?batch=1", headers=headers),
        http.post("/trpc/mirror,echo?batch=1", headers=headers | JSON, content="{}"),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["message"].startswith("Cannot mix procedure types in call")


def test_unknown_paths_do_not_count_as_a_kind(http: httpx.Client) -> None:
    response = http.post("/trpc/mirror,nobody?batch=1", json={"0": 1})

    assert (response.status_code, keys(response)) == (207, ["OK", "NOT_FOUND"])


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"', "{"])
def test_an_input_that_is_no_object_is_the_fault_of_every_call(http: httpx.Client, text: str) -> None:
    response = http.get(f"/trpc/echo,echo?batch=1&input={quote(text)}")

    assert (response.status_code, keys(response)) == (400, ["BAD_REQUEST"] * 2)


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_too_large_a_batch_is_refused_as_a_whole(http: httpx.Client, headers: dict[str, str]) -> None:
    response = http.get("/narrow/echo,echo,echo,echo?batch=1", headers=headers)

    assert (response.status_code, key(response)) == (400, "BAD_REQUEST")


def test_no_batch_where_the_mount_says_so(http: httpx.Client) -> None:
    assert http.get("/alone/echo?batch=1").status_code == 400
    assert http.get("/alone/echo?input=1").json() == {"result": {"data": 1}}


def test_a_subscription_is_called_alone(http: httpx.Client) -> None:
    response = http.get(f"/trpc/countdown?batch=1&input={given({'0': {'start': 1}})}")

    assert (response.status_code, keys(response)) == (400, ["BAD_REQUEST"])


def test_a_comma_is_one_however_it_is_encoded(http: httpx.Client) -> None:
    response = http.get(f"/trpc/echo%2Cecho?batch=1&input={given({'0': 1, '1': 2})}")

    assert [each["result"]["data"] for each in response.json()] == [1, 2]


def test_without_batch_a_comma_is_part_of_a_name(http: httpx.Client) -> None:
    assert http.get("/trpc/echo,echo").status_code == 404


def test_a_bad_token_fails_every_call(http: httpx.Client) -> None:
    response = http.get("/trpc/echo,add?batch=1", headers={"authorization": "Bearer pass:void"})

    assert (response.status_code, keys(response)) == (401, ["UNAUTHORIZED"] * 2)


# -- answers line by line ----------------------------------------------------------------------------------------------


def test_a_stream_needs_a_batch(http: httpx.Client) -> None:
    assert http.get("/trpc/echo?input=1", headers=STREAM).status_code == 400


@pytest.mark.parametrize(
    "headers", [STREAM, {"accept": "application/jsonl"}, {"accept": "text/html, application/jsonl"}]
)
def test_lines_are_a_head_and_one_for_each_call(http: httpx.Client, headers: dict[str, str]) -> None:
    response = http.get(f"/trpc/echo,fail?batch=1&input={given({'0': 1, '1': {'code': 'CONFLICT'}})}", headers=headers)
    head, *rest = lines(response)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"] == VARY
    assert head == {"0": [[0], [None, 0, 0]], "1": [[0], [None, 0, 1]]}
    assert sorted(line[0] for line in rest) == [0, 1]
    assert [0, 0, [[{"result": {"data": 1}}]]] in rest
    failed = next(line for line in rest if line[0] == 1)
    assert failed[1] == 0
    assert failed[2][0][0]["error"]["data"]["code"] == "CONFLICT"


def test_values_that_come_one_by_one_have_a_line_each(http: httpx.Client) -> None:
    response = http.get(f"/trpc/count_up?batch=1&input={given({'0': {'to': 2}})}", headers=STREAM)
    _, result, data, *rest = lines(response)

    chunk = result[2][1][2]
    assert result == [0, 0, [[{"result": 0}], ["result", 0, chunk]]]
    values = data[2][1][2]
    assert data == [chunk, 0, [[{"data": 0}], ["data", 1, values]]]
    assert rest == [[values, 1, [[0]]], [values, 1, [[1]]], [values, 0, [[]]]]


@pytest.mark.parametrize("batch", ["", "?batch=1"])
@pytest.mark.parametrize("path", ["count_up", "later"])
def test_without_lines_such_a_result_is_refused(http: httpx.Client, path: str, batch: str) -> None:
    asked = {"to": 1} if path == "count_up" else {"key": "x"}
    query = f"?input={given(asked)}" if not batch else f"{batch}&input={given({'0': asked})}"
    response = http.get(f"/trpc/{path}{query}")

    assert response.status_code == 415
    assert (keys(response) if batch else [key(response)]) == ["UNSUPPORTED_MEDIA_TYPE"]


# -- pages of other origins --------------------------------------------------------------------------------------------


def test_a_listed_page_may_call(http: httpx.Client) -> None:
    origin = {"origin": "https://app.example.com"}
    asked = origin | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,authorization,trpc-accept",
    }
    preflight = http.options("/cors/mirror", headers=asked)

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert preflight.headers["access-control-allow-credentials"] == "true"
    allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert {"content-type", "authorization", "trpc-accept"} <= set(allowed)
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for response in (
        http.get("/cors/echo?input=1", headers=origin),
        http.get(f"/cors/fail?input={given({'code': 'CONFLICT'})}", headers=origin),
        http.get("/cors/nobody", headers=origin),
        http.get("/cors/echo?batch=1", headers=origin | STREAM),
        http.get(f"/cors/countdown?input={given({'start': 1})}", headers=origin),
    ):
        assert response.headers["access-control-allow-origin"] == "https://app.example.com"
        assert {"Origin", "trpc-accept", "accept"} <= {part.strip() for part in response.headers["vary"].split(",")}


@pytest.mark.parametrize("mount", ["/cors", "/trpc"])
def test_another_page_may_not(http: httpx.Client, mount: str) -> None:
    origin = {"origin": "https://evil.example.com" if mount == "/cors" else "https://app.example.com"}

    assert "access-control-allow-origin" not in http.get(f"{mount}/echo?input=1", headers=origin).headers
    preflight = http.options(f"{mount}/mirror", headers=origin | {"access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in preflight.headers


# -- several mounts ----------------------------------------------------------------------------------------------------


def test_each_mount_has_its_own_procedures(http: httpx.Client) -> None:
    assert http.get(f"/other/greet?input={given({'name': 'Ann'})}").json() == {"result": {"data": "Good day, Ann"}}
    assert http.get(f"/trpc/greet?input={given({'name': 'Ann'})}").status_code == 404
    assert http.get(f"/other/add?input={given({'left': 1, 'right': 1})}").status_code == 404


def test_no_mount_hides_another_route(http: httpx.Client) -> None:
    assert http.get("/server/ping").text == "pong"
    assert http.get("/trpcs/echo?input=1").status_code == 404


# -- connection parameters in the URL ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Not JSON-parsable query params"),
        ("[]", "Invalid connection params shape"),
        ('{"token":1}', "Invalid connection params shape"),
        ('"pass:ann"', "Invalid connection params shape"),
    ],
)
@pytest.mark.parametrize("path", ["echo", "countdown", "echo,echo"])
def test_parameters_that_cannot_be_used_are_refused(http: httpx.Client, path: str, text: str, message: str) -> None:
    batch = "batch=1&" if "," in path else ""
    response = http.get(f"/trpc/{path}?{batch}connectionParams={quote(text)}")

    assert (response.status_code, key(response)) == (400, "PARSE_ERROR")
    assert response.json()["error"]["message"] == message


@pytest.mark.parametrize(("text", "name"), [("null", None), ('{"token":"pass:ann"}', "ann"), ("{}", None)])
def test_parameters_say_who_calls(http: httpx.Client, text: str, name: str | None) -> None:
    response = http.get(f"/trpc/whoami?connectionParams={quote(text)}")

    assert response.json()["result"]["data"]["name"] == name
