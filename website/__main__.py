"""`python -m website FOLDER` builds the site into a folder."""

from pathlib import Path

import click

from website.building import BuildFailed, build


@click.command
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, resolve_path=True))
def main(folder: Path) -> None:
    """Builds the documentation's site into FOLDER, in place of the one that is there."""
    if folder.exists() and not is_a_site(folder):
        raise click.ClickException(f"{folder} has other files than a site's; choose another folder")
    try:
        build(folder)
    except BuildFailed as failure:
        raise click.ClickException(str(failure)) from failure
    click.echo(f"The documentation: {folder / 'index.html'}")


def is_a_site(folder: Path) -> bool:
    """Whether a folder may be replaced: it is empty, or has what an earlier build left."""
    return not any(folder.iterdir()) or (folder / "search.json").exists()


if __name__ == "__main__":
    main()
