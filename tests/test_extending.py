"""Read models added and removed as a user would: a folder, and its line in a group."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

TURNOVER = {
    "__init__.py": '''
"""turnover: what had moved on this account by the end of each day?"""
from chalicelib.read_models.read_model import ReadModel
READ_MODEL = ReadModel(
    __name__,
    table_at="projector:TurnoverRow",
    projector_actions=["PutItem"],
    query_actions=["Query"],
)
''',
    "projector.py": """
from pynamodb.attributes import UnicodeAttribute
from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Stream
from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.read_models.read_model import Projection
from chalicelib.tables import Integer, Table, saved
class TurnoverRow(Table):
    class Meta(metaclass=BlueGreen):
        name = "turnover"
    account = UnicodeAttribute(hash_key=True)
    day = UnicodeAttribute(range_key=True)
    version, debits = Integer(), Integer()
def rows(event, _):
    key = str(event.stream), rfc3339(event.recorded_at)[:10]
    return [TurnoverRow(*key, version=event.version, debits=event.state.debits)]
def project(events):
    for row in [rows(event, None)[0] for event in events if event.stream.kind == "account"]:
        version = TurnoverRow.version
        saved(row, version.does_not_exist() | (version < row.version))
def origin(row):
    return Stream.parse(row["account"]["S"]), int(row["version"]["N"]) if "version" in row else None
PROJECTION = Projection(kind="account", project=project, rows=rows, origin=origin, history=True)
""",
    "routes.py": """
import msgspec
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.turnover.projector import TurnoverRow
routes = Router(__name__)
Turnover = msgspec.defstruct("Turnover", [("ledger", str), ("account", str)])
@routes.get("/ledgers/{ledger}/accounts/{account}/turnover")
def days(query: Turnover) -> Response[dict[str, str]]:
    rows = TurnoverRow.query(f"{query.ledger}/account/{query.account}")
    return Response({row.day: str(row.debits) for row in rows})
""",
}

SCRIPT = """
import json, os, sys
from unittest.mock import patch
from chalice.test import Client
from click.testing import CliRunner
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.read_model import groups
from ops import policies
from ops.__main__ import ops
from ops.aws import client
from ops.describing.document import document
from ops.openapi import routes
from ops.provision import make
from ops.schema import definition
from ops.stages import stages
from ops.template import extras, tables_of
from ops.verifying.raw import all_items
from tests import engines
from tests.books import Bookkeeper, deliver
from tests.ops.audited import audited, delete, items, put

said = {}
with engines.moto():
    books = Bookkeeper("acme", DynamoStore())
    books.open_till()
    books.pay_in("t1", 5)
    books.pay_in("t2", 7)
    books.tell()
    said["tables"] = sorted(
        make(client("dynamodb"), definition(table, {}))
        for group in groups()
        for table in group.tables
    )
    said["audited"] = [str(each) for each in audited().found]
    from app import app

    with Client(app) as http:
        for path in json.loads(sys.argv[1]):
            answer = http.http.get(f"/ledgers/acme{path}")
            said[path] = [answer.status_code, answer.json_body]
    rebuilt = {each.name: each.table for group in groups() for each in group.projected}
    for name, table in rebuilt.items():
        for item in items(table)[:1]:
            number = {**item, "version": {"N": "99"}} if "version" in item else None
            put(table, number) if number else delete(table, item)
    said["damaged"] = sorted({each.where.split(" ")[0] for each in audited().found})
    for group in groups():
        found = CliRunner().invoke(ops, ["rebuild", group.name], catch_exceptions=False)
        assert found.exit_code == 0, found.output
    said["rebuilt"] = [str(each) for each in audited().found]
    said["projected"] = {name: len(items(table)) for name, table in rebuilt.items()}
said["policies"] = policies.documents("prod")
said["resources"] = {stage.name: sorted(extras(stage)["Resources"]) for stage in stages("prod")}
said["paths"] = sorted(document(routes(), {})["paths"])
print(json.dumps(said))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code, its stages and its tests."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("app.py", "chalicelib", "ops", "simulator", "tests", ".chalice"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copyfile(source, tmp_path / name)
    return tmp_path


def look(tree: Path, *paths: str) -> dict[str, Any]:
    """What a copy of the code provisions, permits, projects, answers, describes and repairs."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(paths)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "TWOFOLD_HOME": str(tree / "home")}
        | {"PYTHONDONTWRITEBYTECODE": "1", "TWOFOLD_AUTH": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def change(path: Path, before: str, after: str) -> None:
    """Changes one place of a file."""
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def allowed(said: dict[str, Any], policy: str, table: str) -> set[str]:
    """The actions that a policy allows on a table."""
    return {
        action
        for statement in said["policies"][policy]["Statement"]
        if any(each.endswith(f"-{table}") for each in statement["Resource"])
        for action in statement["Action"]
    }


def test_a_read_model_is_added_by_its_folder_and_one_line(tree: Path) -> None:
    folder = tree / "chalicelib" / "read_models" / "turnover"
    folder.mkdir()
    for name, text in TURNOVER.items():
        (folder / name).write_text(text.lstrip())
    group = folder.parent / "accounts.py"
    change(group, '        "statements",\n', '        "statements",\n        "turnover",\n')
    path = "/accounts/cash/turnover"

    said = look(tree, path)

    assert sum(len(text.strip().splitlines()) for text in TURNOVER.values()) <= 40
    assert "twofold-test-turnover" in said["tables"]
    assert "TurnoverTable" in said["resources"]["accounts"]
    assert allowed(said, "accounts-projector", "turnover") == {"dynamodb:PutItem"}
    assert "dynamodb:Query" in allowed(said, "accounts-query", "turnover")
    assert allowed(said, "journal-query", "turnover") == set()
    status, days = said[path]
    assert (status, list(days.values())) == (200, ["12"])
    assert f"/ledgers/{{ledger}}{path.replace('cash', '{account}')}" in said["paths"]
    assert said["projected"]["turnover"] == 2
    assert said["audited"] == []
    assert said["damaged"] == sorted(said["projected"])
    assert said["rebuilt"] == []


def test_a_read_model_is_removed_with_its_folder_and_its_line(tree: Path) -> None:
    shutil.rmtree(tree / "chalicelib" / "read_models" / "totals")
    change(tree / "chalicelib" / "read_models" / "journal.py", '        "totals",\n', "")

    said = look(tree, "/transactions/t1", "/accounts/cash", "/trial-balance")

    assert (said["/transactions/t1"][0], said["/accounts/cash"][0]) == (200, 200)
    assert said["/trial-balance"][0] in (403, 404)
    assert not [name for name in said["tables"] if "total" in name]
    assert "TransactionsTable" in said["resources"]["journal"]
    assert "TotalsTable" not in said["resources"]["journal"]
    assert "totals" not in json.dumps(said["policies"])
    assert [path for path in said["paths"] if "trial-balance" in path] == []
    assert said["projected"].keys() >= {"balances", "statements", "transactions"}
    assert said["audited"] == []
    assert said["damaged"] == sorted(said["projected"])
    assert said["rebuilt"] == []
