"""Reset: a fresh start for the embedded engine."""

import shutil

import click

from chalicelib.local import engine


@click.command()
def reset() -> None:
    """Deletes the books that the embedded engine keeps between runs. Stop the server first."""
    folder = engine.home()
    if not folder.exists():
        return
    with engine.locked(folder):
        if engine.has_owner(folder):
            raise click.ClickException("a server is running on these books: stop it first")
        shutil.rmtree(folder)
    click.echo(f"forgot {folder}")
