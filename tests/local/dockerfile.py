"""The steps of the Dockerfile, carried out in a folder instead of an image.

A path of the image, such as /app, is one below that folder. `FROM` is the Python of a virtual
environment. What only a container has (layers, a user database, a network of its own) is left out.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.engines import ROOT


@dataclass(frozen=True)
class Step:
    """An instruction, such as COPY, and the rest of its line."""

    name: str
    rest: str

    def words(self) -> list[str]:
        """The words of its JSON form."""
        return [str(word) for word in json.loads(self.rest[self.rest.index("[") :])]


def steps() -> list[Step]:
    """The steps of the project's Dockerfile."""
    lines = [
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")
    ]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line]


def the(name: str) -> Step:
    """The only step of this name."""
    (found,) = (step for step in steps() if step.name == name)
    return found


def context() -> list[Path]:
    """The project's files that .dockerignore leaves, as paths below the project."""
    patterns = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    return [path for path in paths if _is_sent(path, patterns)]


def _is_sent(path: Path, patterns: list[str]) -> bool:
    sent = True
    names = [str(path), *map(str, path.parents)]
    for pattern in patterns:
        if any(fnmatch(name, pattern.removeprefix("!")) for name in names):
            sent = pattern.startswith("!")
    return sent


@dataclass
class Image:
    """What the steps make in `folder`, with the programs of the virtual environment `venv`."""

    folder: Path
    venv: Path
    environ: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: int | None = None

    def build(self) -> None:
        """Carries out every step. Raises CalledProcessError."""
        for step in steps():
            match step.name:
                case "WORKDIR":
                    self.workdir = step.rest
                    self.path(step.rest).mkdir(parents=True)
                case "ENV":
                    pairs = (word.split("=", 1) for word in step.rest.split())
                    self.environ |= {name: self._mapped(value) for name, value in pairs}
                case "COPY":
                    *sources, target = step.rest.split()
                    self._copy(sources, target)
                case "RUN":
                    self._run(step.rest)
                case "USER":
                    self.user = int(step.rest.split(":")[0])

    def path(self, inside: str) -> Path:
        """Where a path of the image is."""
        return self.folder / inside.lstrip("/")

    def start(self, words: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Starts a program of the image, as its user if this process may and that user can."""
        program = shutil.which(words[0], path=str(self.venv / "bin"))
        assert program is not None, words
        options |= self._as_user()
        return subprocess.Popen(
            [program, *words[1:]], cwd=self.path(self.workdir), env=self._environ(), **options
        )

    def other_user(self) -> bool:
        """Whether programs run as the image's user, and not as who runs the tests."""
        return bool(self._as_user())

    def _as_user(self) -> dict[str, Any]:
        # The Python of a root user's home is out of reach of any other.
        parents = (self.venv / "bin" / "python").resolve().parents
        if os.geteuid() != 0 or not all(parent.stat().st_mode & 0o005 == 5 for parent in parents):
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def _environ(self) -> dict[str, str]:
        path = f"{self.venv / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {**pip, **self.environ, "PATH": path}

    def _mapped(self, text: str) -> str:
        return re.sub(r"(?<![\w.:/])(?=/(?:data|app)\b)", str(self.folder), text)

    def _copy(self, sources: list[str], target: str) -> None:
        into = self.path(self.workdir) / target
        for source in sources:
            copied = [path for path in context() if path.is_relative_to(source)]
            assert copied, f"{source} is not in the build's context"
            for path in copied:
                name = path.name if Path(source) == path else str(path.relative_to(source))
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, into / name)

    def _run(self, command: str) -> None:
        if os.geteuid() != 0:
            command = re.sub(r"--(owner|group)=\d+ ", "", command)
        subprocess.run(
            ["sh", "-euc", self._mapped(command)],
            cwd=self.path(self.workdir),
            env=self._environ(),
            capture_output=True,
            check=True,
        )
