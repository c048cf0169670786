"""Staging: the Markdown files of the repository in one folder, as the site wants them."""

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PAGES_ELSEWHERE = {
    "README.md": "start.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "clients/python/README.md": "clients/python.md",
    "clients/typescript/README.md": "clients/typescript.md",
    "environments/README.md": "environments.md",
}
"""The pages that are outside of `docs/`, and where they are in the site."""

HOME = Path("docs/index.md")
"""The site's first page."""

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?P<target>[^)\s]+)\)")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def places() -> dict[Path, Path]:
    """Where each file of the site is: its path in the repository, and its path in the site."""
    found = {}
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.is_file():
            inside = path.relative_to(ROOT / "docs")
            name = "index.md" if path.name == "README.md" else path.name
            found[path.relative_to(ROOT)] = inside.with_name(name)
    for page_elsewhere, place in PAGES_ELSEWHERE.items():
        found[Path(page_elsewhere)] = Path(place)
    return found


def stage(folder: Path) -> None:
    """Fills an empty folder with the pages and pictures of the site."""
    where = places()
    for source, place in where.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(page(source, where))
        else:
            shutil.copyfile(ROOT / source, target)


def page(source: Path, where: dict[Path, Path]) -> str:
    """A page's text for the site: its links lead to pages of the site, and it has a description."""
    text = (ROOT / source).read_text()
    pieces, position = [], 0
    for code in _CODE.finditer(text):
        pieces += [relinked(text[position : code.start()], source, where), code[0]]
        position = code.end()
    pieces.append(relinked(text[position:], source, where))
    head = front_matter(text, bare=source == HOME)
    return head + "".join(pieces)


def relinked(text: str, source: Path, where: dict[Path, Path]) -> str:
    """A text whose links fit the site. What the site does not have is named without a link."""

    def replaced(link: re.Match[str]) -> str:
        path, hash_sign, anchor = link["target"].partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return link[0]
        target = Path(os.path.normpath(source.parent / path))
        if target not in where:
            return link["text"][1:-1]
        relative = os.path.relpath(where[target], where[source].parent)
        return f"{link['text']}({relative}{hash_sign}{anchor})"

    return _LINK.sub(replaced, text)


def front_matter(text: str, bare: bool = False) -> str:
    """A page's description for search engines, from its first paragraph; `bare` pages have no
    navigation beside them.
    """
    paragraphs = _CODE.sub("", text).split("\n\n")
    first = next((each for each in paragraphs if re.match(r"[A-Z`*]", each.strip())), "")
    plain = re.sub(r"[*`\\\"]|!?\[|\]\([^)]*\)|\]", "", " ".join(first.split()))
    sentence = plain if len(plain) <= 160 else f"{plain[:157].rpartition(' ')[0]} …"
    hidden = "hide: [navigation, toc]\n" if bare else ""
    return f'---\ndescription: "{sentence}"\n{hidden}---\n\n'


def title_of(page_file: Path) -> str:
    """The text of a page's first heading, without marks of code."""
    found = _TITLE.search(page_file.read_text())
    assert found is not None, f"{page_file} has no title"
    return found[1].replace("`", "")
