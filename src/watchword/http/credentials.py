"""Credentials in bodies and cookies: what a login, a refresh and a logout present."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from watchword.base.errors import Code, Problem, invalid_payload
from watchword.base.secret import Secret
from watchword.http.caller import session_token
from watchword.identity.settings import Mode
from watchword.identity.tokens import looks_like_jwt
from watchword.protocol.operations import Password

if TYPE_CHECKING:
    from starlette.requests import Request

    from watchword.http.settings import HttpSettings

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MODES = ", ".join(sorted(mode.value for mode in Mode))


def parse_login(body: dict[str, Any]) -> tuple[Password, Mode]:
    """Read a login; members that are not known are ignored.

    Raises:
        Problem: INVALID_PAYLOAD, naming the first member that is wrong.
    """
    email = _required_text(body, "email")
    if not _EMAIL.fullmatch(email):
        raise invalid_payload('"email" must be a valid email')
    password = _required_text(body, "password")
    mode = _mode(body)
    otp = body.get("otp")
    if otp is not None and not isinstance(otp, str):
        raise invalid_payload('"otp" must be a string')
    return Password(email, Secret(password), otp), mode or Mode.JSON


def parse_refresh(body: dict[str, Any], request: Request, settings: HttpSettings) -> tuple[Secret, Mode]:
    """Return the token that a refresh or a logout is about, and how it is kept.

    Without a mode it is in the body where the body has one, else in the refresh cookie.

    Raises:
        Problem: INVALID_PAYLOAD when it is nowhere.
    """
    given = body.get("refresh_token")
    mode = _mode(body) or (Mode.JSON if given else Mode.COOKIE)
    match mode:
        case Mode.JSON:
            if given is not None and not isinstance(given, str):
                raise invalid_payload('"refresh_token" must be a string')
            token = given
        case Mode.COOKIE:
            token = session_token(request, settings.refresh_cookie.name)
        case Mode.SESSION:
            token = session_token(request, settings.session_cookie.name)
    if not token:
        raise invalid_payload("The refresh token is required in either the payload or cookie")
    if mode is Mode.SESSION and not looks_like_jwt(token):
        # A refresh token of another mode would come back where scripts can read it.
        raise Problem(Code.INVALID_CREDENTIALS)
    return Secret(token), mode


def _mode(body: dict[str, Any]) -> Mode | None:
    mode = body.get("mode")
    if mode is None:
        return None
    try:
        return Mode(mode)
    except ValueError:
        raise invalid_payload(f'"mode" must be one of [{_MODES}]') from None


def _required_text(body: dict[str, Any], name: str) -> str:
    if name not in body:
        raise invalid_payload(f'"{name}" is required')
    value = body[name]
    if not isinstance(value, str):
        raise invalid_payload(f'"{name}" must be a string')
    if not value:
        raise invalid_payload(f'"{name}" is not allowed to be empty')
    return value
