"""`@directus/sdk` over HTTP: every mode of authentication, items, and the administration of users and rights."""

from __future__ import annotations

import pytest

from tests.clients.directus.conftest import Case, Report

pytestmark = pytest.mark.timeout(300)

ENDED = {"code": "INVALID_CREDENTIALS", "status": 401}
FORBIDDEN = {"code": "FORBIDDEN", "status": 403}


@pytest.fixture
def report(case: Case) -> Report:
    """What came of the steps of rest.mjs."""
    return case.report("rest.mjs", author=1)


def test_json_mode_keeps_both_tokens_and_rotates_them(report: Report, case: Case) -> None:
    assert report["json.login"] == ["access_token", "expires", "expires_at", "refresh_token"]
    assert report["json.rotates"]
    assert report["json.me"] == report["json.me after refresh"] == {"id": case.room.editor.id}


def test_logout_ends_the_access_token_at_once(report: Report) -> None:
    assert report["json.token after logout"] is None
    assert report["json.old token"] == ENDED


def test_wrong_password_is_refused(report: Report) -> None:
    assert report["json.wrong password"] == ENDED


def test_cookie_mode_keeps_the_refresh_token_in_a_cookie(report: Report, case: Case) -> None:
    assert report["cookie.login"] == ["access_token", "expires", "expires_at"]
    assert report["cookie.names"] == ["directus_refresh_token"]
    assert report["cookie.rotates"]
    assert report["cookie.me"] == report["cookie.me after refresh"] == {"id": case.room.editor.id}


def test_logout_clears_the_refresh_cookie_and_what_was_in_it(report: Report) -> None:
    assert report["cookie.names after logout"] == []
    assert report["cookie.old cookie"] == ENDED


def test_session_mode_shows_no_token_to_the_page(report: Report, case: Case) -> None:
    assert report["session.login"] == ["expires", "expires_at"]
    assert report["session.names"] == ["directus_session_token"]
    assert report["session.token"] is None
    assert report["session.me"] == report["session.me after refresh"] == {"id": case.room.editor.id}


def test_logout_clears_the_session_cookie_and_what_was_in_it(report: Report) -> None:
    assert report["session.names after logout"] == []
    assert report["session.old cookie"] == ENDED


@pytest.mark.parametrize("mode", ["json", "cookie", "session"])
def test_client_refreshes_by_itself(report: Report, case: Case, mode: str) -> None:
    assert report[f"autoRefresh.{mode}"] == {"renewed": True, "me": {"id": case.room.editor.id}}


def test_created_items_come_back_whole(report: Report) -> None:
    created = {"title": "One", "slug": "one", "body": None, "status": "draft", "author": 1, "published_on": None}

    assert report["items.create"] == {"id": "number", **created}
    assert report["items.createItems"] == 2


def test_reads_nest_filter_sort_page_and_search(report: Report) -> None:
    assert report["items.readItem"] == {"title": "One", "status": "draft", "author": {"first_name": "Ann"}}
    assert report["items.readItems"] == [
        {"title": "Two", "published_on": "2026-02-03T04:05:06"},
        {"title": "Three", "published_on": None},
    ]
    assert report["items.relational"] == [{"title": "One"}]
    assert report["items.page"] == [{"title": "Two"}]
    assert report["items.search"] == [{"title": "Three"}]


def test_counts_by_group(report: Report) -> None:
    by_status = {group["status"]: group["count"] for group in report["items.aggregate"]}

    assert by_status == {"draft": 1, "published": 2}


def test_second_row_with_a_unique_value_is_refused(report: Report) -> None:
    assert report["items.unique"] == {"code": "RECORD_NOT_UNIQUE", "status": 400}


def test_updates_by_key_by_keys_by_query_and_in_a_batch(report: Report) -> None:
    assert report["items.updateItem"] == {"title": "Uno", "status": "draft", "author": {"first_name": "Ann"}}
    assert report["items.updateItems"] == [{"title": "Two", "body": "b"}, {"title": "Three", "body": "b"}]
    assert report["items.updateItems by query"] == [{"title": "Uno", "body": "d"}]
    assert report["items.updateItemsBatch"] == [{"title": "Batch 0"}, {"title": "Batch 1"}]


def test_reader_reads_published_rows_without_their_text(report: Report) -> None:
    rows = report["items.reader"]

    assert [row["title"] for row in rows] == ["Batch 0", "Batch 1"]
    assert all("body" not in row for row in rows)
    assert report["items.reader reads body"] == FORBIDDEN
    assert report["items.reader reads draft"] == FORBIDDEN
    assert report["items.reader writes"] == FORBIDDEN


def test_deletes_by_key_by_keys_and_by_query(report: Report) -> None:
    assert report["items.left"] == [{"title": "Batch 1"}]
    assert report["items.none left"] == []


def test_administrator_reads_and_updates_the_own_user(report: Report) -> None:
    assert report["admin.me"] == "admin@example.com"
    assert report["admin.updateMe"] == {"first_name": "Ada"}


def test_administrator_makes_a_user_who_may_what_the_policy_says(report: Report) -> None:
    assert report["admin.access"]
    assert report["admin.createUser"] == {"email": True, "password": "**********", "status": "active"}
    assert report["admin.guest reads"] == [["id", "title"]]


def test_changed_permission_counts_for_the_next_request(report: Report) -> None:
    assert report["admin.guest reads less"] == []


def test_administrator_reads_users_roles_policies_and_permissions(report: Report, case: Case) -> None:
    email = f"hired-{case.sdk}@example.com"

    assert report["admin.readUsers"] == [{"email": email, "role": {"name": "Guests"}, "status": "active"}]
    assert report["admin.readRoles"] == [{"name": "Guests"}]
    assert report["admin.readPolicies"] == [{"name": "Guests read", "permissions": [{"collection": "articles"}]}]
    assert report["admin.readPermissions"] == [{"collection": "articles", "action": "read", "fields": ["id", "title"]}]


def test_nobody_else_reads_users(report: Report) -> None:
    assert report["admin.reader reads users"] == FORBIDDEN


def test_suspended_user_is_out_at_once(report: Report) -> None:
    assert report["admin.updateUser"] == "suspended"
    assert report["admin.suspended guest"] == ENDED
    assert report["admin.suspended login"] == ENDED


def test_deleted_role_is_gone(report: Report) -> None:
    assert report["admin.gone"] == FORBIDDEN


def test_server_says_that_it_is_well(report: Report) -> None:
    assert report["admin.ping"] == "pong"
    assert report["admin.health"] == "ok"
