"""Monitoring: alarms, dashboards and log groups."""

from collections.abc import Iterator
from typing import Any

from ops.aws import none_on
from ops.stages import Stage
from ops.tuning.deployed import function_name
from ops.tuning.handling import Handler, Properties, Target, pairs


def _put_alarm(target: Target, _: str, properties: Properties) -> None:
    cloudwatch, name = target.client("cloudwatch"), properties["AlarmName"]
    cloudwatch.put_metric_alarm(**properties)
    arn = target.deployed.arn("cloudwatch", f"alarm:{name}")
    # PutMetricAlarm would tag new alarms only.
    cloudwatch.tag_resource(ResourceARN=arn, Tags=pairs(target.stage.tags))


def _delete_dashboard(target: Target, _: str, properties: Properties) -> None:
    delete, names = target.client("cloudwatch").delete_dashboards, [properties["DashboardName"]]
    none_on("DashboardNotFoundError", delete, DashboardNames=names)


def _put_log_group(target: Target, _: str, properties: Properties) -> None:
    logs, name = target.client("logs"), properties["LogGroupName"]
    none_on("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])
    if "KmsKeyId" in properties:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=properties["KmsKeyId"])
    arn = target.deployed.arn("logs", f"log-group:{name}")
    logs.tag_resource(resourceArn=arn, tags=target.stage.tags)


def _delete_group(logs: Any, name: str) -> bool:
    """Deletes a log group; whether it existed."""
    missing = "ResourceNotFoundException"
    return none_on(missing, logs.delete_log_group, logGroupName=name) is not None


def delete_lambda_logs(logs: Any, stage: Stage) -> Iterator[str]:
    """Deletes the log groups of a stage's Lambdas, which `chalice delete` leaves; a line for each.

    Chalice makes one more, for a Lambda that does not exist.
    """
    names = [function_name(stage, function) for function in stage.functions]
    for name in [*names, f"{stage.stack}-api_handler"]:
        if _delete_group(logs, f"/aws/lambda/{name}"):
            yield f"  deleted: the log group /aws/lambda/{name}"


ALARM = Handler(
    "AlarmName AlarmDescription AlarmActions OKActions Namespace MetricName Dimensions Statistic "
    "ExtendedStatistic EvaluateLowSampleCountPercentile Period ComparisonOperator Threshold "
    "EvaluationPeriods DatapointsToAlarm TreatMissingData",
    _put_alarm,
    lambda target, _, wanted: target.client("cloudwatch").delete_alarms(
        AlarmNames=[wanted["AlarmName"]]
    ),
)
DASHBOARD = Handler(
    "DashboardName DashboardBody",
    lambda target, _, wanted: target.client("cloudwatch").put_dashboard(**wanted),
    _delete_dashboard,
)
LOG_GROUP = Handler(
    "LogGroupName RetentionInDays KmsKeyId",
    _put_log_group,
    lambda target, _, wanted: _delete_group(target.client("logs"), wanted["LogGroupName"]),
)
