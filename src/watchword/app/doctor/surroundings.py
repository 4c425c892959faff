"""What is around the settings: secrets and what they are worth, and what the machine allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from watchword.app.doctor.finding import ok, problem, warning
from watchword.app.metrics import LEAST_TOKEN
from watchword.app.secrets import LEAST_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.app.doctor.finding import Finding
    from watchword.app.settings import Settings

_SECRETS, _FILES = "secrets", "open files"
_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
_LEAST_DISTINCT = 10
_OF_EXAMPLES = ("change", "replace", "example", "password", "secret", "random-value", "12345678", "abcdefgh")
_OTHERS = frozenset({"ADMIN_TOKEN", "METRICS_TOKENS"})
_OWN_FILES = 64
_COMFORTABLE = 4096
_FOR_ALL = 0o077


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Look at what signs tokens, and at tokens in the settings."""
    given = settings["SECRET"]
    if given:
        yield _judge(given)
    elif settings.database_url.startswith("sqlite"):
        yield _judge_file(Path(settings.database_url.partition(":///")[2] + ".secret"))
    else:
        yield problem(_SECRETS, "SECRET is not set; it signs the tokens.", f"Set it to the output of {_MAKE_ONE}")
    for name in sorted(_OTHERS):
        tokens = settings[name] if isinstance(settings[name], tuple) else (settings[name],)
        if any(token and len(token) < LEAST_TOKEN for token in tokens):
            text = f"{name} has fewer than {LEAST_TOKEN} characters: it can be guessed."
            yield problem(_SECRETS, text, f"Set it to the output of {_MAKE_ONE}")


def _judge(secret: str) -> Finding:
    advice = f"Set it to the output of {_MAKE_ONE} Everybody has to log in again."
    if len(secret) < LEAST_LENGTH:
        return problem(_SECRETS, f"SECRET has fewer than {LEAST_LENGTH} characters.", advice)
    if len(set(secret)) < _LEAST_DISTINCT or any(word in secret.lower() for word in _OF_EXAMPLES):
        return problem(_SECRETS, "SECRET is not random: who guesses it can log in as anybody.", advice)
    return ok(_SECRETS, "SECRET is long and varied.")


def _judge_file(file: Path) -> Finding:
    try:
        kept, mode = file.read_text().strip(), file.stat().st_mode
    except FileNotFoundError:
        return ok(_SECRETS, f"The first start makes {file}.")
    except (OSError, UnicodeDecodeError) as error:
        return problem(_SECRETS, f"{file} cannot be read: {error}.", "Give it to the user that runs the server.")
    if len(kept) < LEAST_LENGTH:
        return problem(_SECRETS, f"{file} holds no secret.", "Delete it; the next start makes another one.")
    if mode & _FOR_ALL:
        return problem(_SECRETS, f"{file} can be read by other users of this machine.", f"chmod 600 {file}")
    return ok(_SECRETS, f"{file} is readable by its owner alone.")


def check_files(settings: Settings, allowed: int) -> Iterator[Finding]:
    """Look at how many files the process may have open (`allowed`): each socket is one."""
    bounds = [settings["WEBSOCKETS_REST_CONN_LIMIT"], settings["WEBSOCKETS_LOGS_CONN_LIMIT"]]
    own = _OWN_FILES + settings["DB_POOL_SIZE"]
    advice = "Raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in a systemd unit."
    if allowed < own + max(0, *bounds):
        text = f"{allowed} may be open: too few for {own} of the server's own and the sockets that are to be allowed."
        yield problem(_FILES, text, advice)
    elif allowed < _COMFORTABLE and bounds[0] < 0:
        text = f"{allowed} may be open, so about {allowed - own} sockets and requests at the same time."
        yield warning(_FILES, text, advice)
    else:
        yield ok(_FILES, f"{allowed} may be open.")
