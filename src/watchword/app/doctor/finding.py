"""Finding: what a check has found, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How bad it is: a warning may be meant that way, a problem has to be mended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. `advice` says what to do; it is empty where all is well."""

    subject: str
    verdict: Verdict
    text: str
    advice: str = ""


def ok(subject: str, text: str) -> Finding:
    """Say that something is well."""
    return Finding(subject, Verdict.OK, text)


def warning(subject: str, text: str, advice: str) -> Finding:
    """Say that something may be wrong."""
    return Finding(subject, Verdict.WARNING, text, advice)


def problem(subject: str, text: str, advice: str) -> Finding:
    """Say that something is wrong."""
    return Finding(subject, Verdict.PROBLEM, text, advice)
