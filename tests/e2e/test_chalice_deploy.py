"""`chalice deploy`, with `ops provision` before and `ops tune` after it, on an emulated AWS.

Every command is one of docs/chalice-deploy.md, and its list of differences from `ops deploy` is
compared with what is deployed.
"""

import re
import shutil
from collections.abc import Iterator

import pytest

from tests import engines
from tests.e2e.cloud import Cloud, cloud
from tests.e2e.pictures import Picture, differences, kept, picture
from tests.e2e.test_deployed import TRANSFER, eventually, make_key

PAGE = engines.ROOT / "docs" / "chalice-deploy.md"
STAGES = ("write", "accounts", "journal")
LEDGER = "/ledgers/acme"


def bring_up(made: Cloud, stage: str) -> str:
    """The three commands; what they print."""
    printed = made.ops("--stage", stage, "provision")
    printed += made.chalice("deploy", "--stage", stage)
    return printed + made.ops("--stage", stage, "tune")


def api(made: Cloud, stage: str) -> str:
    """The id of a stage's API."""
    apis = made.client("apigateway").get_rest_apis()["items"]
    (id,) = [str(each["id"]) for each in apis if each["name"] == f"twofold-{stage}"]
    return id


def url(made: Cloud, stage: str) -> str:
    """A stage's address: by path, since no name server knows the emulator's hosts."""
    return f"{made.endpoint}/restapis/{api(made, stage)}/v1/_user_request_"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The stages of production, brought up by Chalice out of a copy of the project.

    By one who may do no more than that.
    """
    copy = tmp_path_factory.mktemp("project") / "twofold"
    skipped = shutil.ignore_patterns(
        ".git", ".venv", "deployments", "deployed", "provisioned.json", "__pycache__", ".*_cache"
    )
    shutil.copytree(engines.ROOT, copy, ignore=skipped)
    with (
        cloud(tmp_path_factory.mktemp("cloud"), copy) as made,
        made.as_user("deployer-policy", "deployer-tables-policy"),
    ):
        for stage in STAGES:
            printed = bring_up(made, stage)
            # Chalice ships what `provision` packaged.
            assert "Reusing existing deployment package" in printed
            assert f"{stage} is at https://" in printed
        yield made


@pytest.fixture(scope="module")
def key(deployed: Cloud) -> str:
    """A key to the ledger."""
    return make_key(deployed, "acme", scopes=("read", "write"))


@pytest.fixture(scope="module")
def before(deployed: Cloud) -> Picture:
    """What was deployed at first."""
    return picture(deployed)


def listed() -> set[tuple[str, str]]:
    """The differences that the page names: kinds of resources and their properties."""
    section = PAGE.read_text().partition("## Differences between the two ways\n")[2]
    section = section.partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", section, re.MULTILINE)
    return {row for row in rows if row[0] != "resource" and not row[0].startswith("-")}


@pytest.mark.usefixtures("before")
def test_a_transaction_is_posted_and_read_back(deployed: Cloud, key: str) -> None:
    accounts = f"{url(deployed, 'write')}{LEDGER}/accounts"
    cash = {"id": "cash", "asset": "USD/2", "normal_balance": "debit", "min_balance": None}
    alice = {"id": "alice", "asset": "USD/2", "normal_balance": "credit"}
    for each in (cash, alice):
        assert deployed.call("POST", accounts, key, each)[0] == 201

    status, posted = deployed.call(
        "POST", f"{url(deployed, 'write')}{LEDGER}/transactions", key, TRANSFER
    )

    assert status == 201
    version = posted["entries"][1]["version"]
    account = f"{url(deployed, 'accounts')}{LEDGER}/accounts/alice?min_version={version}"
    assert eventually(deployed, account, key)[1]["posted"] == "1"
    transaction = f"{url(deployed, 'journal')}{LEDGER}/transactions/{posted['id']}?min_version=1"
    assert eventually(deployed, transaction, key)[0] == 200


def answers_as_the_contract_says(made: Cloud, stage: str) -> bool:
    """Whether API Gateway's own answers, to a wrong key and for no path, are problems of ours."""
    wrong = made.call("GET", f"{url(made, stage)}{LEDGER}/accounts", "tf_" + "x" * 43)
    nowhere = made.call("GET", f"{url(made, stage)}/nowhere")
    got = [(status, body.get("code")) for status, body in (wrong, nowhere)]
    return got == [(401, "unauthorized"), (404, "not_found")]


def test_deploying_again_overwrites_and_tuning_restores(deployed: Cloud, before: Picture) -> None:
    assert answers_as_the_contract_says(deployed, "accounts")
    changed = deployed.project / "chalicelib" / "__init__.py"
    version = re.search(r'__version__ = "(.+)"', changed.read_text())
    assert version
    changed.write_text(changed.read_text().replace(version[1], "99.0.0"))
    id = api(deployed, "accounts")

    deployed.ops("--stage", "accounts", "provision")
    deployed.chalice("deploy", "--stage", "accounts")

    overwritten = deployed.client("apigateway").get_rest_api(restApiId=id)
    assert overwritten["name"] == "twofold"
    responses = deployed.client("apigateway").get_gateway_responses(restApiId=id)["items"]
    assert all(each["defaultResponse"] for each in responses)

    deployed.ops("--stage", "accounts", "tune")

    assert api(deployed, "accounts") == id
    assert answers_as_the_contract_says(deployed, "accounts")
    assert deployed.call("GET", f"{url(deployed, 'accounts')}/health")[1]["version"] == "99.0.0"
    # The version is a tag of all that the stage has.
    of_release = {
        (kind, name) for kind, name in differences(before, picture(deployed)) if name != "tags"
    }
    assert of_release == {("function", "CodeSha256")}


def test_taken_down_but_for_the_books(deployed: Cloud, before: Picture) -> None:
    assert before
    for stage in reversed(STAGES):
        assert "removed: " in deployed.ops("--stage", stage, "tune", "--remove")
        deployed.chalice("delete", "--stage", stage)
        printed = deployed.ops("--stage", stage, "provision", "--remove")
        assert ("kept: the table twofold-prod-events" in printed) == (stage == "write")

    assert picture(deployed).keys() == {
        ("table", "twofold-prod-events"),
        ("table", "twofold-prod-keys"),
    }


@pytest.fixture(scope="module")
def by_cloudformation(before: Picture, tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """What `ops deploy` makes in an account of its own. Beside the tests above,
    `tests/e2e/test_deployed.py` has done that.
    """
    assert before
    found = kept(tmp_path_factory)
    if found is None:
        with cloud(tmp_path_factory.mktemp("cloudformation")) as made:
            made.ops("deploy", "--environment", "prod")
            found = picture(made)
    return found


def test_both_ways_deploy_the_same_but_for_what_the_page_names(
    before: Picture, by_cloudformation: Picture
) -> None:
    other = by_cloudformation
    assert {kind for kind, _ in other} == {
        "API",
        "alarm",
        "authorizer",
        "dashboard",
        "function",
        "gateway response",
        "log group",
        "mapping",
        "method",
        "queue",
        "role",
        "schedule",
        "stage",
        "table",
    }
    assert differences(before, other) == listed()
