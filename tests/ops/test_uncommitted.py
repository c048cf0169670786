"""Whoever packages is told which files of the package are not as they were committed."""

import subprocess
from pathlib import Path

import pytest

from ops import packaging

FILES = (
    "app.py",
    "chalicelib/settings.py",
    "ops/template.py",
    "environments/prod.json",
    ".chalice/config.json",
    "requirements.txt",
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which everything is committed."""
    for name in (*FILES, "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)  # Whichever git.
    monkeypatch.setattr(packaging, "PROJECT", tmp_path)
    monkeypatch.setattr("ops.packaging.uncommitted", packaging.uncommitted.__wrapped__)
    return tmp_path


def test_nothing_is_named_where_all_is_committed(checkout: Path) -> None:
    (checkout / "README.md").write_text("changed")
    assert packaging.uncommitted() == ()


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_of_code_template_or_settings_is_named(checkout: Path, name: str) -> None:
    (checkout / name).write_text("changed")
    assert packaging.uncommitted() == (name,)


def test_a_new_environment_is_named(checkout: Path) -> None:
    (checkout / "environments" / "staging.json").write_text("{}")
    assert packaging.uncommitted() == ("environments/staging.json",)
