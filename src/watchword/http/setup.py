"""Setup: the page behind the one-time link that makes the first administrator."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from starlette.routing import Route

from watchword.base.errors import invalid_payload
from watchword.base.secret import Secret
from watchword.http.answers import NO_CONTENT, NO_STORE, Answer
from watchword.http.bodies import read_object
from watchword.http.caller import Callers
from watchword.http.endpoint import Endpoint
from watchword.http.problems import route_not_found

if TYPE_CHECKING:
    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"
_FILES = {
    "/setup": ("index.html", "text/html; charset=utf-8"),
    "/setup/setup.js": ("setup.js", "text/javascript; charset=utf-8"),
    "/setup/style.css": ("style.css", "text/css; charset=utf-8"),
}


class Setup(Protocol):
    """The one-time link."""

    @property
    def is_open(self) -> bool:
        """Whether the link can still be used."""

    async def use(self, token: str, email: str, password: Secret) -> None:
        """Make the administrator.

        Raises:
            Problem: FORBIDDEN for a wrong or used link; FAILED_VALIDATION for an address or password that will not do.
        """


def setup_routes(setup: Setup, backend: Backend, settings: HttpSettings) -> list[Route]:
    """Return the page, which exists only while there is no administrator, and what it posts to."""
    callers = Callers(backend, settings)

    async def page(call: Call) -> Answer:
        path = call.request.scope["route"].path
        if not setup.is_open:
            raise route_not_found(path)
        name, media_type = _FILES[path]
        content = (files(__package__) / "setup_page" / name).read_bytes()
        return Answer(200, content, (NO_STORE, ("content-security-policy", _POLICY)), media_type)

    async def create(call: Call) -> Answer:
        body = await read_object(call.request, settings.max_payload_size)
        texts = [body.get(name) for name in ("token", "email", "password")]
        if not all(isinstance(text, str) for text in texts):
            raise invalid_payload('"token", "email" and "password" are required')
        token, email, password = map(str, texts)
        await setup.use(token, email, Secret(password))
        return NO_CONTENT

    handlers: dict[str, dict[str, Handler]] = {path: {"GET": page} for path in _FILES}
    handlers["/server/setup"] = {"POST": create}
    return [Route(path, Endpoint(callers, settings, each, cookies=False)) for path, each in handlers.items()]
