"""Node.js programs for tests: they report steps as lines of JSON, and wait for a line where a test has to act."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.server import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Script:
    """A running program. It says `{"step": …, "value": …}` on standard output and reads lines of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def expect(self, step: str) -> Any:
        """Return the value of the next step, which has to be this one."""
        message = self._next()
        assert message is not None, f"the script ended before {step!r}"
        assert message["step"] == step
        return message.get("value")

    def tell(self, value: Any = None) -> None:
        """Let the program go on that waits for a word."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(value)}\n")
        self._process.stdin.flush()

    def rest(self) -> dict[str, Any]:
        """Return the values of all steps until the end of the program, by step."""
        return {message["step"]: message.get("value") for message in iter(self._next, None)}

    def _next(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        message: dict[str, Any] | None = json.loads(line) if line else None
        return message


@contextmanager
def running(node: str, program: Path, given: dict[str, Any], *flags: str) -> Iterator[Script]:
    """Run a program with `given` as its one argument; it has to end by itself, and well."""
    with tempfile.TemporaryFile("w+") as errors:
        command = [node, *flags, str(program), json.dumps(given)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True) as process:
            try:
                yield Script(process)
                code = process.wait(PATIENCE)
                assert code == 0, f"exit code {code}"
            except BaseException as error:
                process.kill()
                errors.seek(0)
                error.add_note(errors.read())
                raise
