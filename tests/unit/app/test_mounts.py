"""Mounts of tRPC: options by name, and what cannot be mounted."""

from __future__ import annotations

from typing import Any

import pytest

from watchword import BuiltIns, Router, TrpcOptions, Watchword
from watchword.connection.policy import Mode, Reaction
from watchword.http.trpc.options import options_of


@pytest.fixture
def app(sqlite_url: str) -> Watchword:
    return Watchword(database_url=sqlite_url)


def test_modes_and_reactions_go_by_their_names() -> None:
    options = options_of({"mode": "strict", "on_expiry": "demote"})
    assert options.mode is Mode.STRICT
    assert options.on_expiry is Reaction.DEMOTE


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"mode": "open"}, "open"),
        ({"on_expiry": "grace"}, "its token is over"),
        ({"renew": 0.0}, "renew"),
        ({"renew": 1.0}, "renew"),
        ({"transformer": "yaml"}, "superjson"),
    ],
)
def test_options_that_cannot_work_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        options_of(values)


def test_a_mode_is_never_taken_for_another() -> None:
    with pytest.raises(ValueError, match="Mode"):
        TrpcOptions(mode="strict")  # type: ignore[arg-type]  # that is the mistake


def test_there_is_one_mount_at_a_path(app: Watchword) -> None:
    app.trpc()
    app.trpc("/other/")
    with pytest.raises(ValueError, match="/other"):
        app.trpc("other")


@pytest.mark.parametrize("path", ["/", "", "//"])
def test_no_mount_takes_the_place_of_everything(app: Watchword, path: str) -> None:
    with pytest.raises(ValueError, match="a path of its own"):
        app.trpc(path)


async def test_a_procedure_that_is_called_as_one_that_is_built_in_is_a_mistake(app: Watchword) -> None:
    router = Router()

    @router.mutation
    async def authenticate() -> None: ...

    app.trpc("/mine", router, built_ins=BuiltIns(authenticate="session.authenticate"))
    app.trpc("/built-in", router)
    with pytest.raises(ValueError, match="authenticate at /built-in"):
        async with app.lifespan():
            pass
