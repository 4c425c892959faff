"""Writes the tables of the reference pages from the code that they describe.

scripts/reference_docs.py            write them
scripts/reference_docs.py --check    only say whether they are current; the exit status is 1 when they are not
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword.app.settings import SETTINGS, Setting
from watchword.base.errors import MESSAGES, STATUS, Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGES = Path(__file__).resolve().parent.parent / "docs" / "reference"
BEGIN = "<!-- written by scripts/reference_docs.py -->\n"
END = "<!-- end -->\n"

SECTIONS = {
    "Database": ("DATABASE_URL", "DB_"),
    "Secret and first administrator": ("SECRET", "ADMIN_"),
    "Tokens and sessions": ("ACCESS_TOKEN", "REFRESH_TOKEN", "SESSION_", "CONNECTION_", "LOGIN_"),
    "Pages of other origins": ("CORS_",),
    "Requests": ("MAX_PAYLOAD", "QUERY_", "MAX_RELATIONAL", "MAX_BATCH", "GRAPHQL_", "RATE_LIMITER_", "SERVER_"),
    "Sockets": ("WEBSOCKETS_",),
    "Changes": ("CAPTURE", "CHANGE_", "ACTIVITY"),
    "Logs": ("LOG_",),
    "Metrics": ("METRICS_",),
}
SERVER = "Server"

MEANINGS = {
    Code.AUTH_FAILED: "A socket's credential was not good, or the session or token behind it has ended.",
    Code.AUTH_TIMEOUT: "A socket presented no credential in time: the first one, or a new one after expiry.",
    Code.BAD_GATEWAY: "For applications: what they asked elsewhere has failed.",
    Code.CLIENT_CLOSED_REQUEST: "For applications, and calls whose client has gone.",
    Code.COLLECTION_INACTIVE: "The changes of this collection are not captured, so it cannot be followed.",
    Code.CONFLICT: "For applications: it contradicts what is there.",
    Code.CONTENT_TOO_LARGE: "The body of the request is larger than `MAX_PAYLOAD_SIZE`.",
    Code.FAILED_VALIDATION: "A value breaks a rule of its column or of a permission. One problem for each field.",
    Code.FORBIDDEN: "Not allowed, or it does not exist: both look the same.",
    Code.GATEWAY_TIMEOUT: "For applications: what they asked elsewhere has not answered in time.",
    Code.GRAPHQL_VALIDATION: "A GraphQL document or its variables cannot be run; `errors` says why.",
    Code.INTERNAL: "A bug or a failure of the server. `id` is in the server's log.",
    Code.INVALID_COLLECTION: "`items` messages do not reach system collections.",
    Code.INVALID_CREDENTIALS: "Unknown user, wrong password, inactive user, ended session, unknown token alike.",
    Code.INVALID_FOREIGN_KEY: "The row that is referred to does not exist, or the row is referred to.",
    Code.INVALID_OTP: "Reserved for second factors, which do not exist yet.",
    Code.INVALID_PAYLOAD: "The body or the message is not of the form that is expected; `reason` says why.",
    Code.INVALID_QUERY: "The query cannot be understood, or an operator does not fit a field; `reason` says why.",
    Code.INVALID_TOKEN: "An access token that this server did not sign, or that was altered.",
    Code.METHOD_NOT_ALLOWED: "The path exists, the method does not.",
    Code.NOT_ACCEPTABLE: "The `Accept` header names no type that there is.",
    Code.NOT_FOUND: "For applications: what is asked about does not exist.",
    Code.NOT_NULL_VIOLATION: "The database wants a value that was not given.",
    Code.NOT_SUPPORTED: "Directus has this and Watchword has not; `feature` names it.",
    Code.PAYMENT_REQUIRED: "For applications.",
    Code.POSITION_LOST: "What came after the position can't be told row by row; everything is told anew.",
    Code.PRECONDITION_FAILED: "For applications: it is no longer as the caller thinks.",
    Code.PRECONDITION_REQUIRED: "For applications: the caller has to say how it thinks it is.",
    Code.RECORD_NOT_UNIQUE: "Another row has this value.",
    Code.REQUESTS_EXCEEDED: "Too many requests, messages, failed logins, subscriptions or sockets. See `Retry-After`.",
    Code.ROUTE_NOT_FOUND: "There is nothing at this path, or nothing for this method.",
    Code.SERVICE_UNAVAILABLE: "The database cannot be reached, is locked, full or gave the transaction up. Try again.",
    Code.TIMEOUT: "For applications: it took too long.",
    Code.TOKEN_EXPIRED: "The access token has expired: refresh it, or authenticate the socket again.",
    Code.UNPROCESSABLE_CONTENT: "It would leave no active administrator.",
    Code.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
    Code.USER_SUSPENDED: "Reserved: a suspended user is told `INVALID_CREDENTIALS`.",
    Code.VALUE_OUT_OF_RANGE: "A number or a date is larger than its column takes.",
    Code.VALUE_TOO_LONG: "A text is longer than its column takes.",
}


def errors_table() -> Iterator[str]:
    """The catalogue of codes, as the server knows it."""
    yield "| code | status | message | when |"
    yield "|---|---|---|---|"
    for code in Code:
        yield f"| `{code.value}` | {STATUS[code]} | {message_of(code)} | {MEANINGS[code]} |"


def message_of(code: Code) -> str:
    """The message that the code has by itself; some are always given one."""
    return MESSAGES.get(code, "says what is wrong")


def settings_tables() -> Iterator[str]:
    """Every setting, in the order of the code, one table for each section."""
    grouped: dict[str, list[Setting]] = {SERVER: [], **{title: [] for title in SECTIONS}}
    for setting in SETTINGS:
        grouped[section_of(setting)].append(setting)
    for title, settings in grouped.items():
        yield f"## {title}"
        yield ""
        yield "| setting | default | kind | what it is for |"
        yield "|---|---|---|---|"
        for setting in settings:
            yield f"| `{setting.name}` | {default_of(setting)} | {kind_of(setting)} | {setting.help} |"
        yield ""


def section_of(setting: Setting) -> str:
    """The section that a setting belongs to by its name."""
    return next((title for title, names in SECTIONS.items() if setting.name.startswith(names)), SERVER)


def default_of(setting: Setting) -> str:
    """The default as it would be written."""
    value = setting.default
    if value is None or value in ("", ()):
        return ""
    return f"`{written(setting.kind, value)}`"


def written(kind: str, value: Any) -> str:
    """A value as people write it in the file or the environment."""
    match kind:
        case "seconds" | "milliseconds":
            return in_units(round(value * 1000), {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1})
        case "size":
            return in_units(value, {"gb": 1024**3, "mb": 1024**2, "kb": 1024, "b": 1})
        case "flag":
            return str(value).lower()
        case "list" | "origin":
            return ",".join(value)
        case _:
            return str(value)


def in_units(amount: int, units: dict[str, int]) -> str:
    """An amount in the largest unit that it is a whole number of."""
    unit, size = next((unit, size) for unit, size in units.items() if amount % size == 0)
    return f"{amount // size}{unit}"


def kind_of(setting: Setting) -> str:
    """The kind of values, in words of the page."""
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    kinds = {"seconds": "duration", "milliseconds": "duration (ms)", "origin": "list", "proxy": "integer"}
    return kinds.get(setting.kind, setting.kind) + (", secret" if setting.secret else "")


TABLES: dict[str, Callable[[], Iterator[str]]] = {"errors.md": errors_table, "settings.md": settings_tables}


def renewed(page: str, text: str) -> str:
    """The text of a page with its table written anew."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"reference: {page} has no place for its table")
    table = "\n".join(TABLES[page]()).rstrip("\n")
    return f"{before}{BEGIN}\n{table}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check every page."""
    stale = 0
    for page in TABLES:
        path = PAGES / page
        text = path.read_text(encoding="utf-8")
        new = renewed(page, text)
        if new == text:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"docs/reference/{page} is not current: run scripts/reference_docs.py", file=sys.stderr)
        else:
            path.write_text(new, encoding="utf-8")
            print(f"docs/reference/{page} written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
