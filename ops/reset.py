"""Reset: a fresh start for the embedded engine."""

import shutil

import click

from chalicelib.local import engine
from ops.answers import counted, dry_run


@click.command()
@dry_run()
def reset(dry_run: bool) -> None:
    """Deletes the data that `make run` keeps between runs. Stop the server first."""
    folder = engine.home()
    if not folder.exists():
        click.echo("there is nothing to delete")
        return
    with engine.locked(folder):
        if engine.has_owner(folder):
            raise click.ClickException("a server is running on these books: stop it first")
        if dry_run:
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            click.echo(
                f"would forget {folder}: {counted(len(sizes), 'file')}, {sum(sizes):,} bytes"
            )
            return
        shutil.rmtree(folder)
    click.echo(f"forgot {folder}")
