from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.app.durations import parse_duration, parse_size
from watchword.app.secrets import signing_secret
from watchword.app.settings import SETTINGS, Settings, SettingsError, load_settings


def load(text: str, tmp_path: Path, **environment: str) -> Settings:
    file = tmp_path / "watchword.toml"
    file.write_text(text)
    return load_settings(file, environment)


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text("port = 1\nhost = 'a'\nproject_name = 'file'")
    environment = {"PORT": "2", "HOST": "b"}
    settings = load_settings(tmp_path / "w.toml", environment, {"PORT": 3})
    assert (settings["PORT"], settings["HOST"], settings["PROJECT_NAME"]) == (3, "b", "file")


def test_an_unknown_key_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'websockets_rest_auth'"):
        load("websocket_rest_auth = 'strict'", tmp_path)
    with pytest.raises(SettingsError, match="unknown key 'captured'"):
        load("[tables.a]\ncaptured = false", tmp_path)
    with pytest.raises(SettingsError, match="unknown setting 'log_levle'; did you mean 'log_level'"):
        load_settings(environment={}, flags={"LOG_LEVLE": "info"})


def test_the_environment_may_hold_what_is_none_of_ours() -> None:
    assert (
        load_settings(environment={"PATH": "/bin", "WEBSOCKETS_REST_AUTH": "STRICT"})["WEBSOCKETS_REST_AUTH"]
        == "strict"
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ACCESS_TOKEN_TTL", "15m", 900.0),
        ("ACCESS_TOKEN_TTL", "2", 2.0),
        ("REFRESH_TOKEN_TTL", "7d", 604_800.0),
        ("LOGIN_STALL_TIME", "500", 0.5),
        ("LOGIN_STALL_TIME", "1s", 1.0),
        ("MAX_PAYLOAD_SIZE", "1mb", 1_048_576),
        ("WEBSOCKETS_ENABLED", "FALSE", False),
        ("CORS_ORIGIN", "true", ("*",)),
        ("CORS_ORIGIN", "https://a.example, https://b.example", ("https://a.example", "https://b.example")),
        ("IP_TRUST_PROXY", "true", 1),
    ],
)
def test_values_are_read_as_people_write_them(name: str, text: str, value: object) -> None:
    assert load_settings(environment={name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("ACCESS_TOKEN_TTL", "soon"),
        ("ACCESS_TOKEN_TTL", "-5"),
        ("WEBSOCKETS_REST_AUTH", "open"),
        ("WEBSOCKETS_ENABLED", "maybe"),
        ("MAX_PAYLOAD_SIZE", "big"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(environment={name: text})


def test_the_database_can_be_named_in_directus_words() -> None:
    parts = {"DB_CLIENT": "pg", "DB_HOST": "h", "DB_DATABASE": "d", "DB_USER": "u", "DB_PASSWORD": "p@ss"}
    assert load_settings(environment=parts).database_url == "postgresql://u:p%40ss@h:5432/d"
    embedded = {"DB_CLIENT": "sqlite3", "DB_FILENAME": "./data.db"}
    assert load_settings(environment=embedded).database_url == "sqlite:///./data.db"
    with pytest.raises(SettingsError, match="DB_CLIENT"):
        _ = load_settings(environment={"DB_CLIENT": "mysql"}).database_url


def test_a_secret_is_made_once_and_kept_beside_an_embedded_database(tmp_path: Path) -> None:
    settings = load_settings(environment={"DATABASE_URL": f"sqlite:///{tmp_path / 'w.db'}"})
    made = signing_secret(settings)
    assert signing_secret(settings) == made
    file = tmp_path / "w.db.secret"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(made.reveal()) >= 32


def test_a_shared_database_needs_a_secret_of_its_own() -> None:
    with pytest.raises(SettingsError, match="SECRET"):
        signing_secret(load_settings(environment={"DATABASE_URL": "postgresql://localhost/d"}))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="32"):
        signing_secret(load_settings(environment={"SECRET": "short"}))


def test_every_default_passes_its_own_check() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))
    assert load_settings(environment={}).values.keys() == set(names)


@given(st.text(max_size=20))
def test_durations_and_sizes_never_raise_anything_else(text: str) -> None:
    for parse in (lambda t: parse_duration(t, "s"), parse_size):
        with contextlib.suppress(ValueError):
            assert parse(text) >= 0
