"""Checks that links between the Markdown pages of this repository lead somewhere."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CODE_BLOCK = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:|^//", re.IGNORECASE)


def pages() -> list[Path]:
    """All pages that are checked: those at the top, the whole of docs, and one for each example."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md")])


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text without what matches, with its lines kept, so that line numbers stay right."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The names that the headings of a page can be linked by (GitHub's rule)."""
    found: set[str] = set()
    for heading in HEADING.findall(blanked(CODE_BLOCK, page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = 0
        name = slug
        while name in found:
            count += 1
            name = f"{slug}-{count}"
        found.add(name)
    return frozenset(found)


def broken(page: Path) -> Iterator[tuple[int, str]]:
    """The line and target of each link on the page that leads nowhere."""
    text = blanked(CODE_SPAN, blanked(CODE_BLOCK, page.read_text(encoding="utf-8")))
    for match in LINK.finditer(text):
        target = match[1] or match[2]
        if ELSEWHERE.match(target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        known = file.exists() and file.is_relative_to(ROOT)
        if not known or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            yield text.count("\n", 0, match.start()) + 1, target


def main() -> int:
    """Print every broken link; the exit status says whether there was one."""
    checked = pages()
    problems = [f"{page.relative_to(ROOT)}:{line}: {target}" for page in checked for line, target in broken(page)]
    for problem in problems:
        print(f"broken link: {problem}", file=sys.stderr)
    print(f"links: {len(checked)} pages, {len(problems)} broken")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
