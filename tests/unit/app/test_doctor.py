"""`watchword doctor` on set-ups that are broken in one way each, and on one that is well."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import application, execute
from tests.support.server import environment as environment_of
from watchword.app.doctor.examination import examine, lines
from watchword.app.doctor.finding import Finding, Verdict
from watchword.app.settings import load_settings
from watchword.base.clock import Clock, ManualClock, SystemClock

SECRET = "wq3X9vK2mPz7RfT5bNc8LdH4sGj6YtEa"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a value of a setting
WELL = {
    "SECRET": SECRET,
    "PUBLIC_URL": "https://api.example.org",
    "IP_TRUST_PROXY": "1",
}


async def findings(
    url: str, *, names: dict[str, str] | None = None, clock: Clock | None = None, files: int = 65_536, **values: str
) -> list[Finding]:
    given = {"DATABASE_URL": url} | WELL | values

    def load() -> Any:
        return load_settings(environment={}, flags=given)

    return [each async for each in examine(load, environment=names or {}, clock=clock, open_files=files)]


async def found(url: str, subject: str, **options: Any) -> tuple[Verdict, str]:
    """Return what is said of one subject, the worst of it, with what to do."""
    said = [each for each in await findings(url, **options) if each.subject == subject]
    worst = max(said, key=lambda each: list(Verdict).index(each.verdict))
    assert bool(worst.advice) == (worst.verdict is not Verdict.OK)
    return worst.verdict, f"{worst.text} {worst.advice}"


async def served(url: str) -> None:
    """Let a server run once on the database."""
    async with application(url):
        pass


async def test_all_is_well_with_a_set_up_that_is(database_url: str) -> None:
    await served(database_url)
    said = await findings(database_url)
    assert [each for each in said if each.verdict is not Verdict.OK] == []
    assert [each.subject for each in said] == [
        "settings",
        "database",
        "clock",
        "migrations",
        "capture",
        "administrator",
        "secrets",
        "public URL",
        "cookies",
        "proxy",
        "other origins",
        "open files",
    ]


async def test_a_value_that_does_not_fit_is_a_problem_and_the_end() -> None:
    said = [each async for each in examine(lambda: load_settings(environment={"PORT": "http"}))]
    assert [(each.subject, each.verdict) for each in said] == [("settings", Verdict.PROBLEM)]
    assert "PORT" in said[0].text
    said = [each async for each in examine(lambda: load_settings(environment={"DB_CLIENT": "mysql"}))]
    assert [each.verdict for each in said] == [Verdict.PROBLEM]


async def test_names_that_look_like_settings_are_told_with_the_nearest(sqlite_url: str) -> None:
    verdict, text = await found(sqlite_url, "settings", names={"WEBSOCKETS_REST_AUHT": "strict", "PATH": "/bin"})
    assert verdict is Verdict.WARNING
    assert "WEBSOCKETS_REST_AUTH?" in text
    verdict, text = await found(sqlite_url, "settings", names={"STORAGE_LOCATIONS": "s3"})
    assert (verdict, "Remove it" in text) == (Verdict.WARNING, True)


async def test_a_database_that_does_not_answer_is_a_problem() -> None:
    verdict, text = await found("postgresql://nobody@127.0.0.1:1/nothing", "database")
    assert (verdict, "does not answer" in text) == (Verdict.PROBLEM, True)


async def test_a_database_that_refuses_is_a_problem(postgres_url: str, tmp_path: Path) -> None:
    verdict, text = await found(postgres_url.rpartition("/")[0] + "/missing", "database")
    assert (verdict, "missing" in text) == (Verdict.PROBLEM, True)
    (tmp_path / "no.db").write_text("this is no database, but it is long enough to be looked at " * 20)
    verdict, text = await found(f"sqlite:///{tmp_path / 'no.db'}", "database")
    assert (verdict, "not a database" in text) == (Verdict.PROBLEM, True)


@pytest.mark.parametrize("url", ["mysql://localhost/d", "sqlite:///:memory:", "nonsense"])
async def test_a_url_that_names_no_database_is_a_problem(url: str) -> None:
    assert (await found(url, "database"))[0] is Verdict.PROBLEM


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    assert (await found(f"sqlite:///{file}", "database"))[0] is Verdict.WARNING
    assert (await found(f"sqlite:///{tmp_path / 'no' / 'new.db'}", "database"))[0] is Verdict.PROBLEM
    assert (await found(f"sqlite:///{file}", "secrets", SECRET=""))[0] is Verdict.OK
    assert is_empty(tmp_path)


async def test_tables_that_are_not_ours_yet_are_left_alone(database_url: str) -> None:
    await execute(database_url, "CREATE TABLE articles (id INTEGER PRIMARY KEY)")
    verdict, text = await found(database_url, "migrations")
    assert (verdict, "none of our tables" in text) == (Verdict.WARNING, True)
    assert (await found(database_url, "migrations"))[0] is Verdict.WARNING


@pytest.mark.parametrize(
    ("version", "verdict", "said"), [("0001", Verdict.WARNING, "next start"), ("9999", Verdict.PROBLEM, "newer")]
)
async def test_tables_of_another_version_are_told(database_url: str, version: str, verdict: Verdict, said: str) -> None:
    await served(database_url)
    await execute(database_url, f"UPDATE watchword_alembic_version SET version_num = '{version}'")
    judged, text = await found(database_url, "migrations")
    assert (judged, said in text) == (verdict, True)
    assert "capture" not in {each.subject for each in await findings(database_url)}


async def test_a_table_without_triggers_is_told_and_not_touched(database_url: str) -> None:
    await served(database_url)
    await execute(database_url, "CREATE TABLE later (id INTEGER PRIMARY KEY, name TEXT)")
    for _ in range(2):
        verdict, text = await found(database_url, "capture")
        assert (verdict, ": later." in text) == (Verdict.WARNING, True)


async def test_a_trigger_that_somebody_dropped_is_told(database_url: str) -> None:
    await served(database_url)
    sqlite = "DROP TRIGGER watchword_capture_update_articles"
    postgresql = "DROP TRIGGER watchword_capture ON articles"
    await execute(database_url, sqlite if database_url.startswith("sqlite") else postgresql)
    verdict, text = await found(database_url, "capture")
    assert (verdict, "articles" in text, "authors" in text) == (Verdict.WARNING, True, False)


async def test_triggers_are_not_missed_where_none_are_wanted(sqlite_url: str) -> None:
    await served(sqlite_url)
    verdict, text = await found(sqlite_url, "capture", CAPTURE="false")
    assert (verdict, "CAPTURE is off" in text) == (Verdict.WARNING, True)


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(0.0, Verdict.OK), (5.0, Verdict.WARNING), (3600.0, Verdict.PROBLEM), (-90, Verdict.PROBLEM)]
)
async def test_clocks_that_differ_are_told(database_url: str, ahead: float, verdict: Verdict) -> None:
    await execute(database_url, "CREATE TABLE a (id INTEGER PRIMARY KEY)")
    clock = ManualClock(SystemClock().now() + ahead)
    assert (await found(database_url, "clock", clock=clock))[0] is verdict


async def test_a_database_without_administrator_is_told(sqlite_url: str) -> None:
    async with application(sqlite_url, ADMIN_EMAIL="", ADMIN_PASSWORD="", ADMIN_TOKEN=""):
        pass
    verdict, text = await found(sqlite_url, "administrator")
    assert (verdict, "watchword init" in text) == (Verdict.WARNING, True)


async def test_the_first_administrators_password_need_not_stay(sqlite_url: str) -> None:
    await served(sqlite_url)
    verdict, text = await found(sqlite_url, "administrator", ADMIN_PASSWORD="a-fairly-long-password")
    assert (verdict, "Remove" in text) == (Verdict.WARNING, True)
    assert "a-fairly-long-password" not in text


@pytest.mark.parametrize(
    "secret",
    ["short", "a" * 40, "0101010101" * 4, "replace-with-secure-random-value", "this is my secret, and it is long!"],
)
async def test_a_secret_that_can_be_guessed_is_a_problem(sqlite_url: str, secret: str) -> None:
    verdict, text = await found(sqlite_url, "secrets", SECRET=secret)
    assert (verdict, secret in text) == (Verdict.PROBLEM, False)


async def test_a_shared_database_needs_a_secret() -> None:
    verdict, text = await found("postgresql://nobody@127.0.0.1:1/nothing", "secrets", SECRET="")
    assert (verdict, "SECRET is not set" in text) == (Verdict.PROBLEM, True)


async def test_a_kept_secret_is_for_its_owner_alone(sqlite_url: str) -> None:
    keep(sqlite_url, SECRET, 0o600)
    assert (await found(sqlite_url, "secrets", SECRET=""))[0] is Verdict.OK
    keep(sqlite_url, SECRET, 0o644)
    verdict, text = await found(sqlite_url, "secrets", SECRET="")
    assert (verdict, "chmod 600" in text) == (Verdict.PROBLEM, True)
    keep(sqlite_url, "short", 0o600)
    assert (await found(sqlite_url, "secrets", SECRET=""))[0] is Verdict.PROBLEM


def is_empty(folder: Path) -> bool:
    """Whether nothing has been made in a folder."""
    return not any(folder.iterdir())


def keep(url: str, secret: str, mode: int) -> None:
    """Keep a secret beside a database."""
    file = Path(url.removeprefix("sqlite:///") + ".secret")
    file.write_text(secret)
    file.chmod(mode)


@pytest.mark.parametrize("values", [{"ADMIN_TOKEN": "admin"}, {"METRICS_TOKENS": f"{SECRET},prom"}])
async def test_tokens_that_can_be_guessed_are_a_problem(sqlite_url: str, values: dict[str, str]) -> None:
    verdict, text = await found(sqlite_url, "secrets", **values)
    assert (verdict, next(iter(values)) in text) == (Verdict.PROBLEM, True)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"PUBLIC_URL": ""}, Verdict.OK),
        ({"PUBLIC_URL": "", "HOST": EVERYWHERE}, Verdict.WARNING),
        ({"PUBLIC_URL": "http://localhost:8055", "HOST": EVERYWHERE}, Verdict.WARNING),
        ({"PUBLIC_URL": "api.example.org"}, Verdict.PROBLEM),
    ],
)
async def test_the_public_url_is_judged(sqlite_url: str, values: dict[str, str], verdict: Verdict) -> None:
    assert (await found(sqlite_url, "public URL", **values))[0] is verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"SESSION_COOKIE_SAME_SITE": "none"}, Verdict.OK),
        ({"SESSION_COOKIE_SAME_SITE": "none", "PUBLIC_URL": ""}, Verdict.PROBLEM),
        ({"SESSION_COOKIE_SAME_SITE": "none", "SESSION_COOKIE_SECURE": "false"}, Verdict.PROBLEM),
        ({"REFRESH_TOKEN_COOKIE_SECURE": "false"}, Verdict.WARNING),
        ({"REFRESH_TOKEN_COOKIE_SECURE": "true", "PUBLIC_URL": "http://api.example.org"}, Verdict.PROBLEM),
        ({"SESSION_COOKIE_DOMAIN": ".example.org"}, Verdict.OK),
        ({"SESSION_COOKIE_DOMAIN": "ample.org"}, Verdict.PROBLEM),
        ({"SESSION_COOKIE_NAME": "a cookie"}, Verdict.PROBLEM),
    ],
)
async def test_cookies_that_browsers_refuse_are_told(sqlite_url: str, values: dict[str, str], verdict: Verdict) -> None:
    assert (await found(sqlite_url, "cookies", **values))[0] is verdict


@pytest.mark.parametrize(
    ("values", "verdict", "said"),
    [
        ({"PUBLIC_URL": "", "IP_TRUST_PROXY": "0"}, Verdict.OK, "None"),
        ({"IP_TRUST_PROXY": "0"}, Verdict.WARNING, "all clients seem to be one"),
        ({"HOST": EVERYWHERE}, Verdict.WARNING, "claim any address"),
        ({"HOST": EVERYWHERE, "PUBLIC_URL": "http://api.example.org"}, Verdict.WARNING, "without TLS"),
    ],
)
async def test_proxies_are_judged(sqlite_url: str, values: dict[str, str], verdict: Verdict, said: str) -> None:
    judged, text = await found(sqlite_url, "proxy", **values)
    assert (judged, said in text) == (verdict, True)


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        ("https://app.example.org", Verdict.OK),
        ("", Verdict.WARNING),
        ("true", Verdict.WARNING),
        ("app.example.org", Verdict.PROBLEM),
    ],
)
async def test_other_origins_are_judged(sqlite_url: str, origin: str, verdict: Verdict) -> None:
    assert (await found(sqlite_url, "other origins", CORS_ENABLED="true", CORS_ORIGIN=origin))[0] is verdict


@pytest.mark.parametrize(
    ("files", "limit", "verdict"),
    [(65_536, -1, Verdict.OK), (1024, -1, Verdict.WARNING), (1024, 500, Verdict.OK), (1024, 5000, Verdict.PROBLEM)],
)
async def test_too_few_open_files_are_told(sqlite_url: str, files: int, limit: int, verdict: Verdict) -> None:
    judged, _ = await found(sqlite_url, "open files", files=files, WEBSOCKETS_REST_CONN_LIMIT=str(limit))
    assert judged is verdict


def test_a_finding_is_a_line_and_what_to_do_another() -> None:
    assert lines(Finding("clock", Verdict.OK, "Fine.")) == ["ok       clock          Fine."]
    assert lines(Finding("clock", Verdict.PROBLEM, "Wrong.", "Mend it.")) == [
        "problem  clock          Wrong.",
        "                        -> Mend it.",
    ]


def run_command(folder: Path, files: int | None = None, **values: str) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    return subprocess.run(
        [sys.executable, "-m", "watchword.cli", "doctor"],
        cwd=folder,
        env=environment_of(values),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def test_the_command_ends_well_when_nothing_has_to_be_mended(tmp_path: Path) -> None:
    done = run_command(tmp_path)
    assert (done.returncode, "problem" in done.stdout, done.stderr) == (0, False, "")
    assert is_empty(tmp_path)


@pytest.mark.parametrize(("values", "files"), [({"SECRET": "short"}, None), ({"PORT": "http"}, None), ({}, 60)])
def test_the_command_ends_with_one_when_something_has(
    tmp_path: Path, values: dict[str, str], files: int | None
) -> None:
    done = run_command(tmp_path, files, **values)
    assert (done.returncode, done.stderr) == (1, "")
    assert "problem" in done.stdout
    assert "-> " in done.stdout
