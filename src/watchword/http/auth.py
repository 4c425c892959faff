"""Authentication: login, refresh and logout, with the tokens in the body or in cookies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from watchword.base.errors import Code, Problem
from watchword.http.answers import NO_CONTENT, NO_STORE, Answer, json_answer
from watchword.http.bodies import read_object
from watchword.http.cookies import clear_cookie, set_cookie
from watchword.http.credentials import parse_login, parse_refresh
from watchword.http.problems import problem_answer, route_not_found
from watchword.identity.settings import Mode
from watchword.identity.users import LOCAL
from watchword.protocol.operations import RefreshToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from watchword.backend.backend import Backend
    from watchword.base.secret import Secret
    from watchword.http.caller import Callers
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import CookieSettings, HttpSettings
    from watchword.identity.authenticator import Authenticated


class Auth:
    """The handlers under `/auth`. No page but a trusted one can use the user's cookies here."""

    def __init__(self, backend: Backend, callers: Callers, settings: HttpSettings) -> None:
        self._backend = backend
        self._callers = callers
        self._settings = settings

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/auth": {"GET": self.providers},
            "/auth/login": {"POST": self.login},
            "/auth/login/{provider}": {"POST": self.login_with},
            "/auth/refresh": {"POST": self.refresh},
            "/auth/logout": {"POST": self.logout},
        }

    async def providers(self, _: Call) -> Answer:
        """Answer with the ways to log in besides e-mail address and password: none."""
        return json_answer({"data": [], "disableDefault": False})

    async def login(self, call: Call) -> Answer:
        """Exchange an e-mail address and a password for tokens.

        Raises:
            Problem: INVALID_PAYLOAD; INVALID_CREDENTIALS, the same for whatever is wrong; REQUESTS_EXCEEDED.
        """
        credential, mode = parse_login(await read_object(call.request, self._settings.max_payload_size))
        granted = await self._backend.identity.authenticate(credential, call.context.client, mode)
        return self._tokens(granted, mode)

    async def login_with(self, call: Call) -> Answer:
        """Log in with a provider; there is only the default one."""
        if call.path("provider") != LOCAL:
            raise route_not_found(call.request.scope["path"])
        return await self.login(call)

    async def refresh(self, call: Call) -> Answer:
        """Exchange a refresh token for new tokens. A cookie that is no longer good is cleared.

        Raises:
            Problem: INVALID_PAYLOAD, INVALID_CREDENTIALS, TOKEN_EXPIRED.
        """
        token, mode = self.presented(call.request, await self._body(call.request))
        try:
            granted = await self._backend.identify(RefreshToken(token), call.context.client)
        except Problem as problem:
            if mode is Mode.JSON or problem.status not in {401, 403}:
                raise
            return problem_answer(problem).adding(self._cleared(self._cookie(mode)))
        return self._tokens(granted, Mode.SESSION if granted.mode is Mode.SESSION else mode)

    async def logout(self, call: Call) -> Answer:
        """End the session of a refresh token and clear the cookies; a token that means nothing ends nothing.

        Raises:
            Problem: INVALID_PAYLOAD when there is no token.
        """
        body = await self._body(call.request)
        try:
            token, _ = self.presented(call.request, body)
        except Problem as problem:
            if problem.code is not Code.INVALID_CREDENTIALS:
                raise
        else:
            await self._backend.identity.log_out(token, call.context.client)
        return NO_CONTENT.adding(*self.cleared(call.request))

    def cleared(self, request: Request) -> list[tuple[str, str]]:
        """Return the headers that make a client forget the cookies that it has sent."""
        cookies = (self._settings.refresh_cookie, self._settings.session_cookie)
        return [self._cleared(cookie) for cookie in cookies if cookie.name in request.cookies]

    async def _body(self, request: Request) -> dict[str, Any]:
        return await read_object(request, self._settings.max_payload_size)

    def presented(self, request: Request, body: dict[str, Any]) -> tuple[Secret, Mode]:
        """Return the token that a refresh or a logout is about, and how it is kept.

        Raises:
            Problem: INVALID_PAYLOAD when there is none, FORBIDDEN when a foreign page acts with the user's cookie.
        """
        token, mode = parse_refresh(body, request, self._settings)
        if mode is not Mode.JSON:
            self._callers.origins.require_own(request)
        return token, mode

    def _tokens(self, granted: Authenticated, mode: Mode) -> Answer:
        data, cookie = self.told(granted, mode)
        answer = json_answer({"data": data}, headers=(NO_STORE,))
        return answer if cookie is None else answer.adding(cookie)

    def told(self, granted: Authenticated, mode: Mode) -> tuple[dict[str, Any], tuple[str, str] | None]:
        """Return tokens the way the client keeps them: what goes into a cookie is not told, but for `expires`."""
        ttl = self._ttl(mode)
        now = self._backend.clock.now()
        left = ttl if granted.expires_at is None else min(ttl, math.ceil(granted.expires_at - now))
        data: dict[str, int | str | None] = {"expires": round(left * 1000)}
        if mode is Mode.JSON:
            data["refresh_token"] = granted.refresh_token
        if mode is not Mode.SESSION:
            data["access_token"] = granted.access_token
        if mode is Mode.JSON:
            return data, None
        kept = granted.access_token if mode is Mode.SESSION else granted.refresh_token
        return data, ("set-cookie", set_cookie(self._cookie(mode), kept or "", self._settings, now))

    def _ttl(self, mode: Mode) -> float:
        settings = self._backend.identity.settings
        return settings.session_ttl if mode is Mode.SESSION else settings.access_ttl

    def _cookie(self, mode: Mode) -> CookieSettings:
        return self._settings.session_cookie if mode is Mode.SESSION else self._settings.refresh_cookie

    def _cleared(self, cookie: CookieSettings) -> tuple[str, str]:
        return "set-cookie", clear_cookie(cookie, self._settings)
