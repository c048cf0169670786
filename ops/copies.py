"""Copies: the further stages that an environment can have, and their resources in other regions.

A stage either fills tables of its own, through Kinesis in the region of the event table, or serves
a global table's copy in another region. Otherwise AWS would refuse the stage, or two stages would
fill the same tables.
"""

from collections.abc import Mapping
from typing import Any


def check(settings: Mapping[str, Any]) -> None:
    """Raises ValueError, which names the setting, for an impossible stage or ARN."""
    home = settings.get("region")
    arns = {name: settings[name] for name in ("alarm_topic", "kms_key") if name in settings}
    if "domain" in settings:
        arns["domain.certificate"] = settings["domain"]["certificate"]
    for name, arn in arns.items():
        if home and region_of(arn) != home:
            raise ValueError(f"{name}: it is not in {home}, where the stages are")
    if settings.get("replicas") and "kms_key" in settings and not is_multi_region(arns["kms_key"]):
        raise ValueError("kms_key: with replicas it must be a multi-Region key (its id: mrk-…)")
    for name, extra in settings.get("stages", {}).items():
        fault = _projecting if extra.get("projects", True) else _answering
        if wrong := fault(settings, extra):
            raise ValueError(f"stages.{name}: {wrong}")


def _projecting(settings: Mapping[str, Any], extra: Mapping[str, Any]) -> str | None:
    """The fault of a stage that fills tables of its own, if any."""
    if "replica" not in extra:
        return (
            f"it would fill the tables of {extra['serves']}: name a replica, or set projects to "
            "false"
        )
    if not settings.get("kinesis"):
        return "a replica is fed through Kinesis: set kinesis to true"
    if extra.get("region", settings.get("region")) != settings.get("region"):
        return "a replica is fed in the region of the event table, so it cannot be in another"
    if "alarm_topic" in extra:
        return "alarm_topic is for a stage in another region"
    return None


def _answering(settings: Mapping[str, Any], extra: Mapping[str, Any]) -> str | None:
    """The fault of a stage that serves a global table's copy, if any."""
    region = extra.get("region")
    if region not in settings.get("replicas", ()):
        return "a stage that does not project is in a region that replicas names"
    topic = extra.get("alarm_topic", settings.get("alarm_topic"))
    if topic and region_of(topic) != region:
        return f"CloudWatch notifies topics of its own region only: name an alarm_topic in {region}"
    return None


def is_multi_region(key: str) -> bool:
    """Whether a KMS key, by its ARN, can have copies in other regions, with the same id."""
    return key.rpartition("/")[2].startswith("mrk-")


def key_in(key: str, region: str) -> str:
    """The ARN of a multi-Region KMS key's copy in a region."""
    parts = key.split(":")
    parts[3] = region
    return ":".join(parts)


def region_of(arn: str) -> str:
    """The region that an ARN names."""
    return arn.split(":")[3]
