"""Options that commands share: which database, and which settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchword.app.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Option = Callable[[Callable[..., None]], Callable[..., None]]

_CONFIG_HELP = "Settings file; default: watchword.toml."
_DATABASE_HELP = "SQLite file or database URL; default: the setting DATABASE_URL."
database_argument: Option = click.argument("database", required=False, metavar="[DATABASE]")
database_option: Option = click.option("--database", help=_DATABASE_HELP)
config_option: Option = click.option("--config", type=click.Path(path_type=Path), help=_CONFIG_HELP)


def settings_of(config: Path | None, database: str | None, **flags: Any) -> Settings:
    """Return the settings that a command runs with.

    Raises:
        SettingsError: they are not fit.
    """
    given = {name.upper(): value for name, value in flags.items() if value is not None}
    if database is not None:
        given |= {"DATABASE_URL": database if "://" in database else f"sqlite:///{database}", "DB_CLIENT": ""}
    return load_settings(config, flags=given)


def configure_logs(settings: Settings) -> None:
    """Log as the settings say, from now on."""
    from watchword.app import logs  # noqa: PLC0415 - a command imports what it needs itself

    logs.configure_logs(settings["LOG_LEVEL"], settings["LOG_STYLE"])
