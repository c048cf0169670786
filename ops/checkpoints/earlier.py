"""Earlier checkpoints: the last one of each ledger, and those named on the command line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from chalicelib.read_models.integrity.table import Checkpoint, IntegrityRow
from chalicelib.settings import settings
from ops.auditing.findings import Finding, Report
from ops.auditing.scratch import Scratch
from ops.checkpoints import kept
from ops.checkpoints.checkpoint import DamagedCheckpoint, read
from ops.checkpoints.vault import Vault, vault

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_OBJECT = re.compile(r"s3://([^/]+)/(.+)")


@dataclass(frozen=True)
class Earlier:
    """Loads checkpoints into the scratch file of an audit. A damaged one is a finding."""

    scratch: Scratch
    report: Report
    verdicts: Mapping[str, IntegrityRow]

    def last(self, bucket: Vault | None, *, alone: bool = False) -> dict[str, Checkpoint]:
        """Loads and returns the last checkpoint of each ledger: the bucket's, and the table's.

        With `alone`, the table's only if the bucket has none.
        """
        loaded: list[Checkpoint] = []
        ledgers = set(self.verdicts)
        if bucket is not None:
            ledgers |= bucket.ledgers(settings().environment)
        for ledger in sorted(ledgers):
            locked = self._locked(bucket, ledger) if bucket else None
            loaded += [locked] if locked else []
            row = self.verdicts.get(ledger)
            for checkpoint in kept.named_by(row)[-1:] if row else ():
                if locked is None or (checkpoint.at != locked.at and not alone):
                    loaded += self._kept(checkpoint)
                elif checkpoint.at == locked.at and checkpoint != locked:
                    self._add(ledger, f"{_origin(checkpoint)} differs from that in the bucket")
        return {each.ledger: each for each in sorted(loaded, key=lambda each: each.at)}

    def named(self, names: Sequence[str]) -> None:
        """Loads checkpoints by their times, addresses in S3, or files. Raises a click error."""
        for name in names:
            if _TIME.fullmatch(name):
                self._of_time(name)
                continue
            file = Path(name)
            if found := _OBJECT.fullmatch(name):
                file = self._file
                vault(found[1]).fetch(found[2], file)
            if not file.is_file():
                raise click.ClickException(f"there is no checkpoint {name}")
            before, own = self.report.count, settings().environment
            try:
                loaded = self._load(file)
            except OSError as error:
                raise click.ClickException(f"cannot read {name}: {error.strerror}") from None
            if not loaded and self.report.count == before:
                raise click.ClickException(f"{name} is no checkpoint")
            for other in {each.environment for each in loaded} - {own}:
                raise click.ClickException(f"{name} is of the environment {other}; this is {own}")

    @property
    def _file(self) -> Path:
        return self.scratch.folder / "earlier"

    def _of_time(self, at: str) -> None:
        every = [each for row in self.verdicts.values() for each in kept.named_by(row)]
        wanted = [each for each in every if each.at == at]
        if not wanted:
            times = ", ".join(sorted({each.at for each in every})) or "none"
            raise click.ClickException(f"no checkpoint of {at} is kept; there are: {times}")
        for checkpoint in wanted:
            self._kept(checkpoint)

    def _kept(self, checkpoint: Checkpoint) -> list[Checkpoint]:
        kept.fetch(checkpoint, self._file)
        found = self._load(self._file, checkpoint.ledger, _origin(checkpoint))
        if found and found != [checkpoint]:
            self._add(checkpoint.ledger, f"{_origin(checkpoint)} is not the one of its verdict")
        return found

    def _add(self, ledger: str, what: str) -> None:
        self.report.add([Finding(ledger, ledger, 0, what)])

    def _locked(self, bucket: Vault, ledger: str) -> Checkpoint | None:
        key = bucket.last(settings().environment, ledger)
        if key is None:
            return None
        bucket.fetch(key, self._file)
        found = self._load(self._file, ledger, f"the checkpoint s3://{bucket.bucket}/{key}")
        return found[0] if found else None

    def _load(self, file: Path, ledger: str = "", origin: str = "") -> list[Checkpoint]:
        """Loads the checkpoints in a file. A damaged one is a finding, with its `ledger` and
        `origin`, or those given if it cannot be read at all.
        """
        found: list[Checkpoint] = []
        try:
            with file.open("rb") as content:
                for checkpoint, heads in read(content):
                    ledger, origin = checkpoint.ledger, _origin(checkpoint)
                    found.append(checkpoint)
                    self.scratch.prove(origin, heads, checkpoint.root)
        except DamagedCheckpoint as error:
            if found:
                self.scratch.forget_last()
                found.pop()
            if ledger:
                self._add(ledger, f"{origin} is damaged: {error}")
        return found


def _origin(checkpoint: Checkpoint) -> str:
    anew = f" (begun anew: {checkpoint.anew})" if checkpoint.anew else ""
    return f"the checkpoint of {checkpoint.at}{anew}"
