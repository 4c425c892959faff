"""Problem, the one exception that a client may see, and the catalogue of its codes.

Anything else that is raised is a bug: it is logged with its traceback and shown as `INTERNAL_SERVER_ERROR`
with an id. Codes, statuses and messages follow the Directus error catalogue, which all dialects translate from.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Code(StrEnum):
    """Every kind of problem that a client can be told of; the value is what goes over the wire."""

    AUTH_FAILED = "AUTH_FAILED"
    AUTH_TIMEOUT = "AUTH_TIMEOUT"
    BAD_GATEWAY = "BAD_GATEWAY"
    CLIENT_CLOSED_REQUEST = "CLIENT_CLOSED_REQUEST"
    COLLECTION_INACTIVE = "COLLECTION_INACTIVE"
    CONFLICT = "CONFLICT"
    CONTENT_TOO_LARGE = "CONTENT_TOO_LARGE"
    FAILED_VALIDATION = "FAILED_VALIDATION"
    FORBIDDEN = "FORBIDDEN"
    GATEWAY_TIMEOUT = "GATEWAY_TIMEOUT"
    GRAPHQL_VALIDATION = "GRAPHQL_VALIDATION"
    INTERNAL = "INTERNAL_SERVER_ERROR"
    INVALID_COLLECTION = "INVALID_COLLECTION"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_FOREIGN_KEY = "INVALID_FOREIGN_KEY"
    INVALID_OTP = "INVALID_OTP"
    INVALID_PAYLOAD = "INVALID_PAYLOAD"
    INVALID_QUERY = "INVALID_QUERY"
    INVALID_TOKEN = "INVALID_TOKEN"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    NOT_FOUND = "NOT_FOUND"
    NOT_NULL_VIOLATION = "NOT_NULL_VIOLATION"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    PAYMENT_REQUIRED = "PAYMENT_REQUIRED"
    POSITION_LOST = "POSITION_LOST"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    PRECONDITION_REQUIRED = "PRECONDITION_REQUIRED"
    RECORD_NOT_UNIQUE = "RECORD_NOT_UNIQUE"
    REQUESTS_EXCEEDED = "REQUESTS_EXCEEDED"
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    UNPROCESSABLE_CONTENT = "UNPROCESSABLE_CONTENT"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    USER_SUSPENDED = "USER_SUSPENDED"
    VALUE_OUT_OF_RANGE = "VALUE_OUT_OF_RANGE"
    VALUE_TOO_LONG = "VALUE_TOO_LONG"


STATUS: dict[Code, int] = {
    Code.AUTH_FAILED: 401,
    Code.AUTH_TIMEOUT: 401,
    Code.BAD_GATEWAY: 502,
    Code.CLIENT_CLOSED_REQUEST: 499,
    Code.COLLECTION_INACTIVE: 403,
    Code.CONFLICT: 409,
    Code.CONTENT_TOO_LARGE: 413,
    Code.FAILED_VALIDATION: 400,
    Code.FORBIDDEN: 403,
    Code.GATEWAY_TIMEOUT: 504,
    Code.GRAPHQL_VALIDATION: 400,
    Code.INTERNAL: 500,
    Code.INVALID_COLLECTION: 403,
    Code.INVALID_CREDENTIALS: 401,
    Code.INVALID_FOREIGN_KEY: 400,
    Code.INVALID_OTP: 401,
    Code.INVALID_PAYLOAD: 400,
    Code.INVALID_QUERY: 400,
    Code.INVALID_TOKEN: 403,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_ACCEPTABLE: 406,
    Code.NOT_FOUND: 404,
    Code.NOT_NULL_VIOLATION: 400,
    Code.NOT_SUPPORTED: 501,
    Code.PAYMENT_REQUIRED: 402,
    Code.POSITION_LOST: 410,
    Code.PRECONDITION_FAILED: 412,
    Code.PRECONDITION_REQUIRED: 428,
    Code.RECORD_NOT_UNIQUE: 400,
    Code.REQUESTS_EXCEEDED: 429,
    Code.ROUTE_NOT_FOUND: 404,
    Code.SERVICE_UNAVAILABLE: 503,
    Code.TIMEOUT: 408,
    Code.TOKEN_EXPIRED: 401,
    Code.UNPROCESSABLE_CONTENT: 422,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.USER_SUSPENDED: 401,
    Code.VALUE_OUT_OF_RANGE: 400,
    Code.VALUE_TOO_LONG: 400,
}

MESSAGES: dict[Code, str] = {
    Code.AUTH_FAILED: "Authentication failed.",
    Code.AUTH_TIMEOUT: "Authentication timed out.",
    Code.COLLECTION_INACTIVE: "Changes of this collection are not captured.",
    Code.CONTENT_TOO_LARGE: "Uploaded content is too large.",
    Code.FORBIDDEN: "You don't have permission to access this.",
    Code.GRAPHQL_VALIDATION: "GraphQL validation error.",
    Code.INTERNAL: "An unexpected error occurred.",
    Code.INVALID_CREDENTIALS: "Invalid user credentials.",
    Code.INVALID_FOREIGN_KEY: "Invalid foreign key.",
    Code.INVALID_OTP: "Invalid user OTP.",
    Code.INVALID_TOKEN: "Invalid token.",
    Code.METHOD_NOT_ALLOWED: "Method not allowed.",
    Code.NOT_ACCEPTABLE: "There is no answer of a type that the client takes.",
    Code.POSITION_LOST: "The position is no longer in the change log.",
    Code.REQUESTS_EXCEEDED: "Too many requests.",
    Code.ROUTE_NOT_FOUND: "Route doesn't exist.",
    Code.SERVICE_UNAVAILABLE: "Service is unavailable.",
    Code.TOKEN_EXPIRED: "Token expired.",
    Code.UNSUPPORTED_MEDIA_TYPE: "Unsupported media type.",
    Code.USER_SUSPENDED: "User suspended.",
}


class Problem(Exception):
    """A refusal that the client may know: a code, a message for people, and members that explain it.

    `extensions` holds what a program may want to read (`reason`, `collection`, `field`, `value`, …) and never SQL,
    a secret or another user's data. `others` carries further problems of the same request (validation tells all).
    A `silent` problem blocks an operation without an answer.
    """

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        others: Iterable[Problem] = (),
        silent: bool = False,
        **extensions: Any,
    ) -> None:
        self.code = code
        self.message = message if message is not None else MESSAGES.get(code, _plain(code))
        self.extensions = extensions
        self.others = tuple(others)
        self.silent = silent
        super().__init__(f"{code.value}: {self.message}")

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return STATUS[self.code]

    def each(self) -> Iterator[Problem]:
        """Yield this problem, then those that came with it."""
        yield self
        yield from self.others


def _plain(code: Code) -> str:
    """Return the name of a code as a sentence, for codes whose messages are written where they are raised."""
    return f"{code.value.replace('_', ' ').capitalize()}."


class Thrown(Problem):
    """An error that an application words itself: `value` goes to the client as it is, where the dialect allows that."""

    def __init__(self, value: Any) -> None:
        super().__init__(Code.UNPROCESSABLE_CONTENT, str(value))
        self.value = value


def invalid_payload(reason: str) -> Problem:
    """Say what is wrong with a body or a frame; `reason` is a clause without a full stop."""
    return Problem(Code.INVALID_PAYLOAD, f"Invalid payload. {reason}.", reason=reason)


def invalid_query(reason: str) -> Problem:
    """Say what is wrong with a query; `reason` is a clause without a full stop."""
    return Problem(Code.INVALID_QUERY, f"Invalid query. {reason}.", reason=reason)


def unprocessable(reason: str) -> Problem:
    """Refuse what is well said and would do harm; `reason` is a clause without a full stop."""
    return Problem(Code.UNPROCESSABLE_CONTENT, f"Can't process content. {reason}.", reason=reason)


def not_supported(feature: str) -> Problem:
    """Say that the protocol has something that this server has not; `feature` is its name, in the plural."""
    return Problem(
        Code.NOT_SUPPORTED, f"{feature[:1].upper()}{feature[1:]} are not supported by this server.", feature=feature
    )


def forbidden(reason: str | None = None) -> Problem:
    """Refuse, with a reason where one may be told."""
    return Problem(Code.FORBIDDEN) if reason is None else Problem(Code.FORBIDDEN, reason, reason=reason)


def forbidden_collection(collection: str) -> Problem:
    """Refuse a collection: forbidden and missing look the same from outside."""
    return forbidden(
        f'You don\'t have permission to access collection "{collection}" or it does not exist. Queried in root.'
    )


def forbidden_field(collection: str, field: str, path: str = "") -> Problem:
    """Refuse a field of a collection: forbidden and missing look the same from outside."""
    return forbidden(
        f'You don\'t have permission to access field "{field}" in collection "{collection}" or it does not exist. '
        f"Queried in {path or 'root'}."
    )


def failed_validation(field: str, kind: str, text: str, **extensions: Any) -> Problem:
    """Say that one field's value breaks a rule; `kind` is the operator that failed (`nnull`, `required`, `eq`, …)."""
    message = f'Validation failed for field "{field}". {text}'
    return Problem(Code.FAILED_VALIDATION, message, field=field, path=[], type=kind, **extensions)


def not_unique(collection: str | None, field: str | None, value: Any = None) -> Problem:
    """Say which value has to be unique."""
    message = f'Value "{value}" for field "{field}" in collection "{collection}" has to be unique.'
    return Problem(Code.RECORD_NOT_UNIQUE, message, collection=collection, field=field, value=value)
