"""Examination: every check, in the order in which one would mend things."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from watchword.app.doctor import configuration, surroundings
from watchword.app.doctor.database import check_database
from watchword.app.doctor.finding import Finding, Verdict, problem
from watchword.app.settings import SettingsError, load_settings
from watchword.base.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from watchword.app.settings import Settings
    from watchword.base.clock import Clock

_WIDTH = (7, 13)


async def examine(
    load: Callable[[], Settings] = load_settings,
    *,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    open_files: int | None = None,
) -> AsyncIterator[Finding]:
    """Look at everything and say what was found; never raise for what is wrong with the set-up.

    `load` gives the settings; without settings nothing else can be looked at. `open_files` is how many files the
    process may open; by default as many as this one may.
    """
    try:
        settings = load()
        _ = settings.database_url
    except SettingsError as error:
        yield problem("settings", f"{error}.", "Mend it; the server does not start.")
        return
    for finding in configuration.check_names(environment):
        yield finding
    async for finding in check_database(settings, clock or SystemClock()):
        yield finding
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if open_files is None else open_files
    for check in (
        surroundings.check_secrets,
        configuration.check_public_url,
        configuration.check_cookies,
        configuration.check_proxy,
        configuration.check_origins,
        lambda settings: surroundings.check_files(settings, allowed),
    ):
        for finding in check(settings):
            yield finding


def lines(finding: Finding) -> list[str]:
    """Write a finding down for a terminal."""
    verdict, subject = _WIDTH
    head = f"{finding.verdict.value:<{verdict}}  {finding.subject:<{subject}}  "
    advice = [f"{'':<{len(head)}}-> {finding.advice}"] if finding.advice else []
    return [f"{head}{finding.text}", *advice]


def is_problem(finding: Finding) -> bool:
    """Whether it has to be mended."""
    return finding.verdict is Verdict.PROBLEM
