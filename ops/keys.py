"""Keys: made, listed and revoked by the operator."""

from typing import Any

import click

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import check_id
from chalicelib.http import keys as store
from chalicelib.http.keys import Key
from ops.answers import Answer, answers, counted, dry_run


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
    """Creates, lists and revokes API keys."""


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
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([store.READ, store.WRITE]),
    help="What it may do; may be repeated.",
)
@answers
def create(
    name: str, ledgers: tuple[str, ...], all_ledgers: bool, scopes: tuple[str, ...]
) -> Answer:
    """Creates a key and shows it, once."""
    if bool(ledgers) == all_ledgers:
        raise click.UsageError("name the ledgers it opens, or --all-ledgers")
    secret, key = store.create(name, scopes, ledgers or (store.ALL_LEDGERS,))
    lines = [secret, "", f"This is key {key.id}, and it is not shown again."]
    return Answer({"key": secret, **_document(key)}, lines)


@keys.command("list")
@answers
def list_() -> Answer:
    """Lists the keys: what they open, never what they are."""
    found = sorted(store.every(), key=lambda key: key.created_at)
    return Answer({"keys": [_document(key) for key in found]}, [_line(key) for key in found])


@keys.command()
@click.argument("id")
@dry_run()
def revoke(id: str, dry_run: bool) -> None:
    """Revokes the key ID; within a minute no stage lets it in."""
    found = next((key for key in store.every() if key.id == id), None)
    if found is None:
        # Not repeated: what was typed may be the key itself.
        raise click.ClickException("there is no key of this id: see keys list")
    if dry_run:
        count = 0 if found.revoked_at else 1
        click.echo(f"{counted(count, 'key')} would be revoked: {_line(found)}")
        return
    store.revoke(id)
    click.echo(f"revoked {id}")


def _line(key: Key) -> str:
    state = f"revoked {key.revoked_at}" if key.revoked_at else "valid"
    opens = f"{'+'.join(sorted(key.scopes))} of {', '.join(sorted(key.ledgers))}"
    return f"{key.id}  {key.created_at}  {key.name}: {opens}, {state}"


def _document(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "ledgers": sorted(key.ledgers),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
