from __future__ import annotations

from pathlib import Path

import pytest

from watchword.app.demo import Demo, _password, _settings, _temporary_folder, _url


def test_announcement_names_the_page_the_people_and_their_passwords() -> None:
    shown = Demo("http://127.0.0.1:8055", Path("demo.db"), "first-password", "second-password").announcement()

    assert "http://127.0.0.1:8055/" in shown
    assert "admin@example.com     first-password" in shown
    assert "reader@example.com    second-password" in shown


def test_passwords_differ_from_run_to_run() -> None:
    assert len({_password() for _ in range(100)}) == 100


def test_folder_is_removed_when_the_demo_ends_badly() -> None:
    folders = []

    def fail() -> None:
        with _temporary_folder() as folder:
            (folder / "demo.db").touch()
            folders.append(folder)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert not folders[0].exists()


def test_environment_does_not_change_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSOCKETS_REST_AUTH", "public")
    monkeypatch.setenv("DB_CLIENT", "pg")

    settings = _settings("127.0.0.1", 8055, Path("/tmp/demo.db"))  # noqa: S108 - nothing is written

    assert settings["WEBSOCKETS_REST_AUTH"] == "handshake"
    assert settings.database_url == "sqlite:////tmp/demo.db"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8055"),
        ("0.0.0.0", "http://localhost:8055"),  # noqa: S104 - compared, not listened on
        ("::", "http://localhost:8055"),
        ("::1", "http://[::1]:8055"),
    ],
)
def test_url_is_one_that_a_browser_on_this_machine_can_open(host: str, url: str) -> None:
    assert _url(host, 8055) == url
