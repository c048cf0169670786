"""An environment is a file of its own: checked, merged, and nothing tracked is edited."""

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from ops.environments import CONFIG, SCHEMA
from ops.lambda_runtimes import MACHINES, RUNTIMES
from ops.stages import Stage, all_stages, stages


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A project's config, with a folder for environments beside it."""
    (tmp_path / ".chalice").mkdir()
    (tmp_path / "environments").mkdir()
    return Path(shutil.copy(CONFIG, tmp_path / ".chalice" / "config.json"))


def write(config: Path, name: str, settings: Any) -> None:
    path = config.parents[1] / "environments" / f"{name}.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))


def by_name(found: list[Stage]) -> dict[str, Stage]:
    return {stage.name: stage for stage in found}


def test_an_empty_file_is_a_second_environment_after_the_pattern_of_the_first(
    config: Path,
) -> None:
    before = stages("prod", config)
    write(config, "staging", {})
    made = stages("staging", config)
    assert [stage.name for stage in made] == [
        "staging-write",
        "staging-accounts",
        "staging-journal",
    ]
    assert [stage.serves for stage in made] == [stage.serves for stage in before]
    assert {stage.environment for stage in made} == {"staging"}
    assert stages("prod", config) == before


def test_every_stage_knows_where_the_read_apis_are(config: Path) -> None:
    addresses = {"accounts": "https://a.example.com/v1", "journal": "https://b.example.com/v1"}
    origins = ["https://app.example.com", "http://localhost:5173"]
    write(config, "staging", {"addresses": addresses, "cors_origins": origins})
    for stage in stages("staging", config):
        told = stage.settings
        assert (told.accounts_url, told.journal_url) == tuple(addresses.values())
        reads = stage.serves != ("write",)
        own = {"https://a.example.com", "https://b.example.com"} if reads else set()
        assert told.allowed_origins == {*origins, *own}

    domain = {"name": "l.example.com", "certificate": "arn:aws:acm:eu-central-1:1:certificate/y"}
    elsewhere = {"serves": "journal", "region": "eu-west-1", "projects": False}
    write(
        config,
        "staging",
        {"domain": domain, "replicas": ["eu-west-1"], "stages": {"journal-eu": elsewhere}},
    )
    for stage in stages("staging", config):
        told, far = stage.settings, stage.name == "staging-journal-eu"
        assert told.journal_url == (None if far else "https://l.example.com/journal")
        assert told.allowed_origins == frozenset()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"cors_origins": ["*"]}, "cors_origins"),
        ({"cors_origins": ["https://app.example.com/page"]}, "cors_origins"),
        ({"cors_origins": ["https://app.example.com:443"]}, "TWOFOLD_CORS_ORIGINS"),
        ({"addresses": {"accounts": "https://a.example.com"}}, "addresses"),
        (
            {
                "addresses": {
                    "accounts": "https://a.example.com/",
                    "journal": "https://b.example.com",
                }
            },
            "addresses.accounts",
        ),
    ],
)
def test_an_origin_or_an_address_that_is_none_is_named(
    config: Path, wrong: dict[str, Any], named: str
) -> None:
    write(config, "staging", wrong)
    with pytest.raises(click.ClickException, match=named):
        stages("staging", config)


def test_a_file_of_production_changes_its_stages_and_no_others(config: Path) -> None:
    write(config, "staging", {})
    write(config, "prod", {"alarm_topic": "arn:aws:sns:eu-central-1:123456789012:on-call"})
    topics = {stage.name: stage.alarm_topic for stage in all_stages(config)}
    assert {name for name, topic in topics.items() if topic} == {"write", "accounts", "journal"}


def test_every_setting_arrives_where_it_counts(config: Path) -> None:
    write(
        config,
        "staging",
        {
            "region": "eu-central-1",
            "runtime": "python3.13",
            "architecture": "arm64",
            "auth": "cognito",
            "user_pool": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/p",
            "strong_reads": True,
            "blue_green": True,
            "kinesis": True,
            "replicas": ["eu-west-1", "eu-west-2"],
            "kms_key": "arn:aws:kms:eu-central-1:123456789012:key/mrk-1",
            "permissions_boundary": "arn:aws:iam::123456789012:policy/b",
            "checkpoint_bucket": "my-checkpoints",
            "log_retention_days": 7,
            "throttle": {"rate": 50, "burst": 60},
            "domain": {
                "name": "l.example.com",
                "certificate": "arn:aws:acm:eu-central-1:1:certificate/y",
            },
            "lambdas": {"api_handler": {"memory": 1024, "timeout": 20, "reserved_concurrency": 9}},
            "stages": {
                "accounts-b": {"serves": "accounts", "replica": "b"},
                "journal-eu": {"serves": "journal", "region": "eu-west-1", "projects": False},
            },
        },
    )
    made = by_name(stages("staging", config))
    assert len(made) == 5
    elsewhere = made["staging-journal-eu"]
    for stage in made.values():
        assert (stage.runtime, stage.architecture, stage.auth) == (
            "python3.13",
            "arm64",
            "cognito",
        )
        assert stage.strong_reads == (stage is not elsewhere)
        assert stage.replicas == ["eu-west-1", "eu-west-2"]
        assert stage.permissions_boundary is not None
        assert stage.log_retention_days == 7
        assert stage.domain == (None if stage is elsewhere else "l.example.com")
        region = "eu-west-1" if stage is elsewhere else "eu-central-1"
        assert stage.kms_key == f"arn:aws:kms:{region}:123456789012:key/mrk-1"
        assert stage.variables["TWOFOLD_GENERATIONS"] == "1"
        assert stage.variables["TWOFOLD_CHECKPOINT_BUCKET"] == "my-checkpoints"
        assert (stage.variables["TWOFOLD_RATE"], stage.variables["TWOFOLD_BURST"]) == ("50", "60")
        assert stage.timeout("api_handler") == 20
        handler = stage.config["lambda_functions"]["api_handler"]
        assert (handler["lambda_memory_size"], handler["reserved_concurrency"]) == (1024, 9)
    assert {name: stage.region for name, stage in made.items()} == {
        **dict.fromkeys(made, "eu-central-1"),
        "staging-journal-eu": "eu-west-1",
    }
    assert {name for name, stage in made.items() if stage.kinesis_stream} == {
        "staging-write",
        "staging-accounts-b",
    }
    assert {stage.kinesis_stream for stage in made.values()} == {None, "twofold-staging-events"}
    assert made["staging-accounts-b"].replica == "b"
    assert {stage.base_path for stage in made.values()} >= {"write", "accounts", "accounts-b"}
    assert not elsewhere.projects


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{", "staging.json: not JSON"),
        ({"regon": "eu-central-1"}, "'regon' was unexpected"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' does not match"),
        ({"auth": "none"}, "auth: 'none' is not one of ['keys', 'iam', 'cognito']"),
        ({"auth": "cognito"}, "'user_pool' is a required property"),
        ({"domain": {"name": "l.example.com"}}, "domain: 'certificate' is a required property"),
        ({"lambdas": {"api": {}}}, "lambdas: 'api' does not match"),
        ({"stages": {"b": {"serves": "write"}}}, "stages.b.serves: 'write' is not one of"),
        ([], "is not of type 'object'"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it_and_what_is_wrong(
    config: Path, settings: Any, said: str
) -> None:
    write(config, "staging", settings)
    with pytest.raises(click.ClickException) as refused:
        all_stages(config)
    assert "staging.json: " in refused.value.message
    assert said in refused.value.message
    assert "\n" not in refused.value.message


KEY = "arn:aws:kms:eu-central-1:123456789012:key"
TOPIC = "arn:aws:sns:{}:123456789012:on-call"
ANSWERS = {"serves": "accounts", "region": "eu-west-1", "projects": False}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alarm_topic": TOPIC.format("eu-west-1")}, "alarm_topic: it is not in eu-central-1"),
        ({"kms_key": f"{KEY}/1", "replicas": ["eu-west-1"]}, "must be a multi-Region key"),
        ({"stages": {"b": {"serves": "accounts"}}}, "would fill the tables of accounts"),
        ({"stages": {"b": {"serves": "accounts", "replica": "b"}}}, "set kinesis to true"),
        (
            {
                "kinesis": True,
                "stages": {"b": {"serves": "accounts", "replica": "b", "region": "eu-west-1"}},
            },
            "in the region of the event table",
        ),
        ({"stages": {"b": ANSWERS}}, "is in a region that replicas names"),
        (
            {
                "replicas": ["eu-west-1"],
                "alarm_topic": TOPIC.format("eu-central-1"),
                "stages": {"b": ANSWERS},
            },
            "name an alarm_topic in eu-west-1",
        ),
    ],
)
def test_what_aws_would_refuse_or_two_stages_would_share_is_refused_beforehand(
    config: Path, settings: dict[str, Any], said: str
) -> None:
    write(config, "staging", {"region": "eu-central-1", **settings})
    with pytest.raises(click.ClickException) as refused:
        all_stages(config)
    assert "staging.json: " in refused.value.message
    assert said in refused.value.message


def test_a_stage_in_another_region_notifies_a_topic_there(config: Path) -> None:
    there = {**ANSWERS, "alarm_topic": TOPIC.format("eu-west-1")}
    write(
        config,
        "staging",
        {
            "region": "eu-central-1",
            "replicas": ["eu-west-1"],
            "alarm_topic": TOPIC.format("eu-central-1"),
            "stages": {"b": there},
        },
    )
    topics = {stage.name: stage.alarm_topic for stage in stages("staging", config)}
    assert topics.pop("staging-b") == TOPIC.format("eu-west-1")
    assert set(topics.values()) == {TOPIC.format("eu-central-1")}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TWOFOLD_KINESIS_STREAM", "my-stream", "can only be twofold-prod-events"),
        ("TWOFOLD_ALARMTOPIC", "arn", "no such setting: TWOFOLD_ALARMTOPIC"),
        ("TWOFOLD_DOMAIN", "l.example.com", "needs TWOFOLD_CERTIFICATE"),
        ("TWOFOLD_AUTH", "none", "is for a laptop"),
    ],
)
def test_a_wrong_variable_of_the_config_is_one_line_that_names_the_stage(
    config: Path, name: str, value: str, said: str
) -> None:
    whole = json.loads(config.read_text())
    whole["stages"]["write"]["environment_variables"][name] = value
    config.write_text(json.dumps(whole))
    with pytest.raises(click.ClickException, match=r"^stage write: ") as refused:
        all_stages(config)
    assert said in refused.value.message


def test_the_schema_offers_the_runtimes_and_processors_that_a_package_is_made_for() -> None:
    offered = json.loads(SCHEMA.read_text())["properties"]
    assert offered["runtime"]["enum"] == list(RUNTIMES)
    assert offered["architecture"]["enum"] == list(MACHINES)


def test_another_folder_of_environments_can_be_named(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "qa.json").write_text("{}")
    assert stages("qa", config) == []
    monkeypatch.setenv("TWOFOLD_ENVIRONMENTS", str(tmp_path / "elsewhere"))
    assert len(stages("qa", config)) == 3
