"""What Chalice packages for a stage: its own routes, Lambdas, tables and permissions."""

import json
from typing import Any

import pytest

from ops.packaging import package_stages
from ops.policies import documents
from ops.stages import stage_named

ROUTES = {
    "write": {
        ("/ledgers/{ledger}/accounts", "post"),
        ("/ledgers/{ledger}/accounts/batch", "post"),
        ("/ledgers/{ledger}/accounts/{account}", "patch"),
        ("/ledgers/{ledger}/accounts/{account}/freeze", "post"),
        ("/ledgers/{ledger}/accounts/{account}/unfreeze", "post"),
        ("/ledgers/{ledger}/accounts/{account}/close", "post"),
        ("/ledgers/{ledger}/transactions", "post"),
        ("/ledgers/{ledger}/transactions/batch", "post"),
        ("/ledgers/{ledger}/transactions/{transaction}/post", "post"),
        ("/ledgers/{ledger}/transactions/{transaction}/void", "post"),
        ("/ledgers/{ledger}/transactions/{transaction}/reverse", "post"),
    },
    "accounts": {
        ("/ledgers", "get"),
        ("/ledgers/{ledger}/accounts", "get"),
        ("/ledgers/{ledger}/accounts/{account}", "get"),
        ("/ledgers/{ledger}/accounts/{account}/balance", "get"),
        ("/ledgers/{ledger}/accounts/{account}/entries", "get"),
        ("/ledgers/{ledger}/accounts/{account}/statement", "get"),
        ("/ledgers/{ledger}/accounts/{account}/events", "get"),
        ("/ledgers/{ledger}/status", "get"),
    },
    "journal": {
        ("/ledgers", "get"),
        ("/ledgers/{ledger}/transactions", "get"),
        ("/ledgers/{ledger}/transactions/{transaction}", "get"),
        ("/ledgers/{ledger}/transactions/{transaction}/events", "get"),
        ("/ledgers/{ledger}/status", "get"),
        ("/ledgers/{ledger}/trial-balance", "get"),
        ("/ledgers/{ledger}/integrity", "get"),
    },
}
PAGES = {"/openapi.json", "/docs", "/docs/scalar.js", "/console", "/console/{file}"}
OPEN = {
    "write": {"/health", "/problems/{code}"},
    "accounts": {"/health", "/problems/{code}", *PAGES},
    "journal": {"/health", "/problems/{code}", *PAGES},
}
LAMBDAS = {
    "write": {"APIHandler": "write", "Authorize": "authorize", "Sweep": "sweep"},
    "accounts": {
        "APIHandler": "accounts-query",
        "Authorize": "authorize",
        "ProjectAccounts": "accounts-projector",
        "WatchAccounts": "accounts-watch",
    },
    "journal": {
        "APIHandler": "journal-query",
        "Authorize": "authorize",
        "ProjectJournal": "journal-projector",
        "WatchJournal": "journal-watch",
    },
}
TABLES = {
    "write": {"twofold-prod-events", "twofold-prod-keys", "twofold-prod-inbox"},
    "accounts": {
        "twofold-prod-balances",
        "twofold-prod-statements",
        "twofold-prod-accounts_ledgers",
        "twofold-prod-accounts_parked",
    },
    "journal": {
        "twofold-prod-transactions",
        "twofold-prod-totals",
        "twofold-prod-journal_ledgers",
        "twofold-prod-journal_parked",
        "twofold-prod-integrity",
    },
}


Resources = dict[str, Any]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resources]:
    """The resources of each stage's template."""
    made = package_stages(
        [stage_named(name) for name in ROUTES], tmp_path_factory.mktemp("packaged")
    )
    assert len({each.code.read_bytes() for each in made}) == 1
    return {each.stage.name: json.loads(each.template.read_text())["Resources"] for each in made}


@pytest.mark.parametrize("name", ROUTES)
def test_a_stage_packages_what_is_its_own(name: str, packaged: dict[str, Resources]) -> None:
    resources = packaged[name]

    served = ROUTES[name] | {(path, "get") for path in OPEN[name]}
    heads = {(path, "head") for path, method in served if method == "get"}
    assert _routes(resources) == served | heads
    functions = _of(resources, "AWS::Serverless::Function")
    assert functions.keys() == LAMBDAS[name].keys()
    for function, policy in LAMBDAS[name].items():
        (role,) = functions[function]["Role"]["Fn::GetAtt"][:1]
        (granted,) = resources[role]["Properties"]["Policies"]
        assert granted["PolicyDocument"] == documents("prod")[policy], function
    tables = _of(resources, "AWS::DynamoDB::Table").values()
    assert {table["TableName"] for table in tables} == TABLES[name]


@pytest.mark.parametrize("name", ROUTES)
def test_every_packaged_route_of_a_ledger_asks_the_authorizer(
    name: str, packaged: dict[str, Resources]
) -> None:
    for path, methods in packaged[name]["RestAPI"]["Properties"]["DefinitionBody"]["paths"].items():
        for method, route in methods.items():
            open_to_all = "security" not in route
            assert open_to_all == (path in OPEN[name]), (method, path)


def _of(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: part["Properties"] for name, part in resources.items() if part["Type"] == kind}


def _routes(resources: dict[str, Any]) -> set[tuple[str, str]]:
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    return {(path, method) for path, methods in paths.items() for method in methods}
