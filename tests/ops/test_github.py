"""What GitHub reads of this repository, judged by its schemas and by zizmor. A release has one
version everywhere, and needs an approval.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ops.releasing import faults, main, notes, releases, versions
from ops.stages import PROJECT
from tests.ops.test_workflow import TOOLS, for_safety, judged, shows_its_help

GITHUB = PROJECT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = GITHUB / "ISSUE_TEMPLATE"
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "github-issue-forms": [FORMS / f"{name}.yml" for name in ("bug", "feature", "question")],
    "github-issue-config": [FORMS / "config.yml"],
    "dependabot": [GITHUB / "dependabot.yml"],
}
"""The files that GitHub reads, by the schema that judges them."""

EXAMPLE = PROJECT / "docs" / "examples" / "github-workflow.yml"
RELEASE: dict[Any, Any] = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text())
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text()


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def lines(workflow: Path) -> list[str]:
    return [line for step in steps(workflow) for line in step.get("run", "").splitlines()]


def test_zizmor_finds_nothing() -> None:
    done = for_safety(GITHUB)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "files"), SCHEMAS.items(), ids=SCHEMAS)
def test_githubs_schemas_find_nothing_and_would_find_a_fault(
    schema: str, files: list[Path], tmp_path: Path
) -> None:
    wrong = tmp_path / files[0].name
    wrong.write_text(files[0].read_text() + "\nunheard_of: true\n")

    done = by_schema(schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_schema(schema, wrong).returncode != 0


def by_schema(name: str, *files: Path) -> subprocess.CompletedProcess[str]:
    words = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}"]
    return judged(sys.executable, *words, *map(str, files))


def test_an_action_has_one_pin_in_all_workflows_with_its_release_beside_it() -> None:
    used = [
        found
        for workflow in (*WORKFLOWS, EXAMPLE)
        for found in re.findall(r"uses: (\S+)@(\S+)(.*)", workflow.read_text())
    ]

    assert len(used) == sum(
        "uses" in step for path in (*WORKFLOWS, EXAMPLE) for step in steps(path)
    )
    assert len({action for action, _, _ in used}) == len(set(used))
    for _, commit, comment in used:
        assert re.fullmatch(r"[0-9a-f]{40}", commit)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_no_workflow_has_a_secret_and_each_job_has_the_least_permissions() -> None:
    allowed = {
        "build": {"contents": "read", "id-token": "write", "attestations": "write"},
        "publish": {"contents": "write"},
        "pages": {"pages": "write", "id-token": "write"},
    }
    for workflow in WORKFLOWS:
        assert "secrets." not in workflow.read_text()
        assert yaml.safe_load(workflow.read_text())["permissions"] == {}
        for name, job in jobs(workflow).items():
            assert job["permissions"] == allowed.get(name, {"contents": "read"}), name
            assert job["timeout-minutes"] <= 30


def test_a_release_is_published_once_it_is_tested_built_and_approved() -> None:
    assert RELEASE[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true.
    publish = RELEASE["jobs"]["publish"]
    assert set(publish["needs"]) == {"test", "build"}
    assert publish["environment"] == "release"
    assert [name for name, job in RELEASE["jobs"].items() if "environment" in job] == ["publish"]
    built = RELEASE["jobs"]["build"]
    assert "publish" not in " ".join(step.get("run", "") for step in built["steps"])


@pytest.mark.parametrize("line", sorted({line for path in WORKFLOWS for line in lines(path)}))
def test_every_command_exists(line: str, tmp_path: Path) -> None:
    match shlex.split(line):
        case ["bash", script]:
            assert judged("bash", "-n", str(PROJECT / script)).returncode == 0
        case ["make", target]:
            assert f"\n{target}:" in (PROJECT / "Makefile").read_text()
        case [".venv/bin/python", "-m", "ops", *words]:
            shows_its_help(words)
        case [".venv/bin/python", "-m", "ops.releasing", *words]:
            refused = CliRunner().invoke(main, [*words[:1], "--notes", str(tmp_path / "notes")])
            assert refused.exit_code == 1
            assert "$GITHUB_REF_NAME cannot be released" in refused.output
        case [".venv/bin/uv", "build", "--no-build-isolation", *_]:
            builds_the_client(line, tmp_path)
        case [program, *_]:
            assert program in ("npm", "tar", "sha256sum", "gh")


def builds_the_client(line: str, folder: Path) -> None:
    """Runs the line, with its output elsewhere and without a network."""
    words = shlex.split(line.replace("--out-dir dist", f"--out-dir {folder} --offline"))
    program = [str(TOOLS / "uv"), *words[1:]]
    program[program.index(".venv/bin/python")] = sys.executable

    done = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    version = versions()["clients/python/pyproject.toml"]
    assert {path.name for path in folder.iterdir() if path.suffix in (".whl", ".gz")} == {
        f"twofold_client-{version}-py3-none-any.whl",
        f"twofold_client-{version}.tar.gz",
    }


def test_one_version_is_everywhere_and_heads_the_changelog() -> None:
    (version,) = set(versions().values())

    assert next(iter(releases(CHANGELOG))) == version
    assert len(releases(CHANGELOG)) == len(re.findall(r"^## ", CHANGELOG, re.MULTILINE))
    older = list(releases(CHANGELOG).values())[1:]
    assert "unreleased" not in older
    assert older == sorted(older, reverse=True)


def test_a_tag_is_released_if_it_is_the_version_and_the_changelog_has_its_date(
    tmp_path: Path,
) -> None:
    (version,) = set(versions().values())
    dated = re.sub(r"\(unreleased\)", "(2026-12-01)", CHANGELOG)

    assert faults(f"v{version}", dated) == []
    assert len(faults(f"v{version}", CHANGELOG.replace(f"## {version} (", "## 9.9.9 ("))) == 1
    assert len(faults(version, dated)) == len(versions())
    assert len(faults("v0.0.1", dated)) == len(versions()) + 1
    refused = CliRunner().invoke(main, ["v0.0.1", "--notes", str(tmp_path / "notes")])
    assert refused.exit_code == 1
    assert not (tmp_path / "notes").exists()


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    changelog = "# Changelog\n\n## 0.2.0 (2026-11-02)\n\n- B\n\n## 0.1.0 (2026-11-01)\n\n- A\n"

    assert notes(changelog, "0.2.0") == "- B\n"
    assert notes(changelog, "0.1.0") == "- A\n"
