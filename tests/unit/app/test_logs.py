from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from watchword.app.logs import adopt_logs, configure_logs, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        "GET /websocket?access_token=top-secret&x=1",
        "GET /items/a?x=1&access_token=top-secret",
        "GET /trpc?token=top-secret",
        "GET /websocket?ticket=top-secret",
        "GET /trpc/a?connectionParams=%7B%22token%22%3A%22top-secret%22%7D&input=1",
        'GET /trpc/a?connectionParams={"token":"top-secret"}',
        "Authorization: Bearer top-secret",
        "authorization: bearer top-secret",
    ],
)
def test_tokens_are_hidden_wherever_they_stand(text: str) -> None:
    assert "top-secret" not in redact(text)
    assert "*****" in redact(text)


def test_a_token_in_the_middle_of_a_sentence_is_hidden() -> None:
    assert JWT not in redact(f"could not verify {JWT} today")


@pytest.mark.parametrize("style", ["json", "pretty"])
def test_no_secret_reaches_the_output_by_any_road(capsys: pytest.CaptureFixture[str], style: str) -> None:
    configure_logs("info", style)
    structlog.get_logger("a").info("login", password="top-secret", nested={"refresh_token": "top-secret"})
    logging.getLogger("library").warning("GET /x?access_token=%s", "top-secret")
    try:
        int(f"bad token {JWT}")
    except ValueError:
        structlog.get_logger("a").exception("failed")
    written = capsys.readouterr().err
    assert "top-secret" not in written
    assert JWT not in written
    assert "login" in written
    assert "failed" in written


def test_records_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "json")
    structlog.get_logger("a").info("quiet")
    assert capsys.readouterr().err == ""


def test_an_application_that_is_mounted_prints_no_variables(caplog: pytest.LogCaptureFixture) -> None:
    structlog.reset_defaults()
    adopt_logs()
    log = structlog.get_logger("watchword.test")
    password = "hidden-in-a-frame"
    with caplog.at_level("INFO"):
        try:
            int(password)
        except ValueError:
            log.exception("failed", token="top-secret")
    assert "failed" in caplog.text
    assert "ValueError" in caplog.text
    assert "locals" not in caplog.text
    assert "top-secret" not in caplog.text


def test_logs_that_are_set_up_already_are_left_alone() -> None:
    configure_logs("warning", "json")
    processors = structlog.get_config()["processors"]
    adopt_logs()
    assert structlog.get_config()["processors"] is processors
