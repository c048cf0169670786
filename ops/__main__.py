"""The commands, each in a module of its own."""

import shutil

import click

from ops.demo import demo


@click.group()
def ops() -> None:
    """Operates a Twofold ledger."""


@click.command()
def reset() -> None:
    """Forgets the books that the embedded engine keeps between runs. Stop the server first."""
    from chalicelib.local import engine

    folder = engine.home()
    if not folder.exists():
        return
    with engine.locked(folder):
        if engine.has_owner(folder):
            raise click.ClickException("a server is running on these books: stop it first")
        shutil.rmtree(folder)
    click.echo(f"forgot {folder}")


ops.add_command(demo)
ops.add_command(reset)

if __name__ == "__main__":
    ops()
