"""The signing secret: given, or made once and kept beside an embedded database; never a default."""

from __future__ import annotations

import os
from pathlib import Path

from watchword.app.settings import Settings, SettingsError
from watchword.base.secret import Secret, random_token

LEAST_LENGTH = 32


def signing_secret(settings: Settings) -> Secret:
    """Return the secret that tokens are signed with.

    Raises:
        SettingsError: it is too short, or missing where several processes must share one.
    """
    given = settings["SECRET"]
    if given:
        if len(given) < LEAST_LENGTH:
            raise SettingsError(f"SECRET: must have at least {LEAST_LENGTH} characters")
        return Secret(given)
    url = settings.database_url
    if not url.startswith("sqlite"):
        raise SettingsError("SECRET: must be set (32 random characters or more) when the database is not embedded")
    return _kept_beside(Path(url.partition(":///")[2]))


def _kept_beside(database: Path) -> Secret:
    file = database.with_name(database.name + ".secret")
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        kept = file.read_text().strip()
        if len(kept) < LEAST_LENGTH:
            raise SettingsError(f"{file}: holds no secret; delete it to have a new one made") from None
        return Secret(kept)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as target:
        made = random_token()
        target.write(made)
    return Secret(made)
