"""Logs: structured, readable on a terminal, JSON otherwise; without secrets, whatever is logged."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = re.compile(r"password|token|^ticket$|secret|authorization|cookie|credential|otp", re.IGNORECASE)
_IN_URL = re.compile(r"((?:access_token|refresh_token|token|ticket)=)[^&\s\"']+", re.IGNORECASE)
_PARAMS_IN_URL = re.compile(r"(connectionParams=)[^&\s]+", re.IGNORECASE)  # JSON, quotes and all
_BEARER = re.compile(r"(Bearer\s+)[^\s\"']+", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_HIDDEN = "**********"


def redact(text: str) -> str:
    """Hide tokens in a text: in URLs, after `Bearer`, and JSON Web Tokens anywhere."""
    text = _IN_URL.sub(rf"\1{_HIDDEN}", text)
    text = _PARAMS_IN_URL.sub(rf"\1{_HIDDEN}", text)
    text = _BEARER.sub(rf"\1{_HIDDEN}", text)
    return _JWT.sub(_HIDDEN, text)


def shared_processors() -> list[Processor]:
    """Return what every record goes through, wherever it comes from and whoever gets it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]


def adopt_logs() -> None:
    """Hand our records to the standard library's logging, for whoever mounts the application and has set that up.

    Nothing is done where structlog is configured already. Unconfigured, it would print the variables of every frame
    beside an exception, secrets and all.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared_processors(), structlog.processors.LogfmtRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=False,
    )


def configure_logs(level: str, style: str) -> None:
    """Send everything, the server's and libraries' records too, through one pipeline to standard error.

    What is let through is decided by the root logger's level alone, so that it can be lowered for a time.
    """
    pretty = style == "pretty" or (style == "auto" and sys.stderr.isatty())
    shared = shared_processors()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=False,
    )
    renderer: Processor = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=renderer, foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.setLevel(level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "websockets",
        "websockets.server",
        "aiosqlite",
        "alembic",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    handler.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what uvicorn says of every upgrade that was answered with an HTTP status, as if that were an error."""
    return record.msg != "ASGI callable returned without completing handshake."


def _redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _HIDDEN if _SECRET_NAMES.search(name) else redact(value)
    if isinstance(value, dict):
        return {key: _shown(str(key), inner) for key, inner in value.items()}
    return value
