"""The types of procedures in TypeScript, as the compiler sees them with the published packages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.clients.conftest import MODULES
from tests.support.server import COMMAND, environment

SOURCES = Path(__file__).parent / "types"
TANSTACK = Path(__file__).parent / "tanstack" / "node_modules"
MOUNTS = {"plain": "/trpc", "superjson": "/super", "tanstack": "/trpc"}
EXPECTED = "// @ts-expect-error"
CONFIG = {
    "compilerOptions": {
        "strict": True,
        "exactOptionalPropertyTypes": False,
        "noEmit": True,
        "target": "es2022",
        "lib": ["es2022", "dom", "dom.iterable", "esnext.disposable"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": ["node"],
    },
    "include": ["*/*.ts"],
}

pytestmark = pytest.mark.timeout(180)

Errors = dict[str, Counter[int]]


def write_types(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "trpc", "types", "shop:app", *arguments]
    return subprocess.run(command, cwd=folder, env=environment({}), capture_output=True, text=True, check=False)


def values(shop: Path) -> str:
    """Return a program that gives what procedures really take and give the types that are written for it."""
    command = [sys.executable, "values.py"]
    done = subprocess.run(command, cwd=shop, env=environment({}), capture_output=True, text=True, check=True)
    lines = [
        'import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";',
        'import type { AppRouter } from "./app-router.js";',
        "type Inputs = inferRouterInputs<AppRouter>;",
        "type Outputs = inferRouterOutputs<AppRouter>;",
        "type Each<T> = T extends AsyncIterable<infer Value> ? Value : T;",
    ]
    for number, (path, given, result) in enumerate(json.loads(done.stdout)):
        place = "".join(f"[{json.dumps(part)}]" for part in path.split("."))
        told = "undefined" if given is None else json.dumps(given)
        lines.append(f"export const input{number}: Inputs{place} = {told};")
        lines.append(f"export const output{number}: Each<Outputs{place}> = {json.dumps(result)};")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    for name in ("shop.py", "values.py"):
        shutil.copy(SOURCES / name, folder)
    return folder


@pytest.fixture(scope="module")
def errors(node: str, shop: Path) -> Errors:
    """What the compiler says: how many errors there are in which line of which file.

    Beside each program there is one without its expectations of errors.
    """
    (shop / "node_modules").symlink_to(MODULES)
    for name, mount in MOUNTS.items():
        (shop / name).mkdir()
        done = write_types(shop, "-o", f"{name}/app-router.d.ts", "--mount", mount)
        assert (done.returncode, done.stderr) == (0, "")
        text = (SOURCES / f"{name}.ts").read_text()
        (shop / name / "client.ts").write_text(text)
        (shop / name / "unexpected.ts").write_text(text.replace(EXPECTED, "//"))
    (shop / "plain" / "values.ts").write_text(values(shop))
    (shop / "tanstack" / "node_modules").symlink_to(TANSTACK)
    (shop / "tsconfig.json").write_text(json.dumps(CONFIG))
    compiler = MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [node, str(compiler), "-p", ".", "--pretty", "false"], cwd=shop, capture_output=True, text=True, check=False
    )
    found: Errors = {}
    for line in done.stdout.splitlines():
        told = re.match(r"(.+)\((\d+),\d+\): error ", line)
        if told is not None:
            found.setdefault(told[1], Counter())[int(told[2])] += 1
    print(done.stdout)  # noqa: T201 - for whom has to find out what is wrong
    return found


@pytest.mark.parametrize("name", MOUNTS)
def test_a_client_compiles_and_what_it_must_not_do_does_not(errors: Errors, name: str) -> None:
    assert errors.get(f"{name}/client.ts") is None


@pytest.mark.parametrize("name", MOUNTS)
def test_every_misuse_is_one_error_and_nothing_else_is_one(errors: Errors, name: str) -> None:
    lines = (SOURCES / f"{name}.ts").read_text().splitlines()
    wrong = Counter(number + 1 for number, line in enumerate(lines, start=1) if EXPECTED in line)
    assert len(wrong) >= 9
    assert errors[f"{name}/unexpected.ts"] == wrong


def test_what_the_wire_has_is_of_the_types_that_are_written(errors: Errors, shop: Path) -> None:
    assert (shop / "plain" / "values.ts").read_text().count("export const output") > 15
    assert errors.get("plain/values.ts") is None


def test_there_is_no_error_in_what_was_written(errors: Errors) -> None:
    assert not [file for file in errors if file.endswith("app-router.d.ts")]


def test_a_file_is_checked_against_the_procedures(shop: Path) -> None:
    assert write_types(shop, "-o", "checked.d.ts").returncode == 0
    assert write_types(shop, "-o", "checked.d.ts", "--check").returncode == 0
    other = write_types(shop, "-o", "checked.d.ts", "--check", "--mount", "/super")
    assert (other.returncode, other.stdout) == (1, "")
    assert "checked.d.ts is not what the procedures say now" in other.stderr
