"""Keys: made, listed and revoked by the operator."""

import click

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import check_id
from chalicelib.http import keys as store


def ledger_ids(_: click.Context, __: click.Parameter, ledgers: tuple[str, ...]) -> tuple[str, ...]:
    """The ledgers as they were named: each an id, never a word for all or a list in one."""
    try:
        for ledger in ledgers:
            check_id(ledger, "ledger")
    except InvalidField as refusal:
        raise click.BadParameter(refusal.why) from None
    return ledgers


@click.group()
def keys() -> None:
    """Makes, lists and revokes API keys."""


@keys.command()
@click.option("--name", required=True, help="Whose it is, for people.")
@click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    callback=ledger_ids,
    help="A ledger it opens; may be repeated.",
)
@click.option("--all-ledgers", is_flag=True, help="It opens every ledger.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice([store.READ, store.WRITE])
)
def create(name: str, ledgers: tuple[str, ...], all_ledgers: bool, scopes: tuple[str, ...]) -> None:
    """Makes a key and shows it, once."""
    if bool(ledgers) == all_ledgers:
        raise click.UsageError("name the ledgers it opens, or --all-ledgers")
    secret, key = store.create(name, scopes, ledgers or (store.ALL_LEDGERS,))
    click.echo(f"{secret}\n\nThis is key {key.id}, and it is not shown again.")


@keys.command("list")
def list_() -> None:
    """Lists the keys: what they open, never what they are."""
    for key in sorted(store.every(), key=lambda key: key.created_at):
        state = f"revoked {key.revoked_at}" if key.revoked_at else "valid"
        opens = f"{'+'.join(sorted(key.scopes))} of {', '.join(sorted(key.ledgers))}"
        click.echo(f"{key.id}  {key.created_at}  {key.name}: {opens}, {state}")


@keys.command()
@click.argument("id")
def revoke(id: str) -> None:
    """Revokes the key ID; within a minute no stage lets it in."""
    if store.revoke(id) is None:
        # Not repeated: what was typed may be the key itself.
        raise click.ClickException("there is no key of this id: see keys list")
    click.echo(f"revoked {id}")
