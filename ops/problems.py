"""Problems: writes a page of documentation for each error code, out of the table in the code."""

from pathlib import Path

import click

from chalicelib.http.problem_pages import sections, subtitle
from chalicelib.http.problem_types import PROBLEM_TYPES

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "docs" / "problems"

_INDEX = """# Errors

Every error is `application/problem+json` (RFC 9457). `code` is stable and meant for programs;
`detail` and `errors` tell people what was wrong; the figures of a refusal, such as `available` and
`asked`, are members of their own. The path of `type` is that of the code's page:
`/problems/insufficient_funds` here, and on every API, where it needs no key.

- **4xx**: nothing was written.
- **503 `contention`, `not_attempted`, `unavailable`**: nothing was written; send it again.
- **503 `outcome_unknown`, and 500**: it may have been written. Send the same request with the same
  id or `Idempotency-Key`: it is done at most once.
- **503 `projection_behind`**: a read came too early. Ask again.

| code | status | meaning |
| --- | --- | --- |
"""


def files() -> dict[Path, str]:
    """The files of the pages and of their index, and their content."""
    rows = [
        f"| [`{code}`]({code}.md) | {about.status} | {about.meaning} |\n"
        for code, about in PROBLEM_TYPES.items()
    ]
    pages = {FOLDER / f"{code}.md": _page(code) for code in PROBLEM_TYPES}
    return {FOLDER / "README.md": _INDEX + "".join(rows), **pages}


def _page(code: str) -> str:
    parts = "".join(f"\n## {heading}\n\n{text}\n" for heading, text in sections(code))
    return (
        f"# {code}\n\n{subtitle(code)}\n\n{PROBLEM_TYPES[code].meaning}\n{parts}\n"
        "[All error codes](README.md)\n"
    )


@click.command()
def problems() -> None:
    """Writes the pages on error codes in docs/problems/."""
    FOLDER.mkdir(exist_ok=True)
    made = files()
    for path, content in made.items():
        path.write_text(content)
    for left in set(FOLDER.glob("*.md")) - made.keys():
        left.unlink()
    click.echo(f"{len(PROBLEM_TYPES)} pages and their index in {FOLDER.relative_to(PROJECT)}")
