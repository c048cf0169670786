"""Monitoring: alarms, dashboards and log groups."""

from ops.tuning.handling import Handler, Properties, Target, pairs, unless

LOG_GROUP_EXISTS = "ResourceAlreadyExistsException"
NO_LOG_GROUP = "ResourceNotFoundException"


def _put_alarm(target: Target, _: str, properties: Properties) -> None:
    cloudwatch, name = target.client("cloudwatch"), properties["AlarmName"]
    # CloudFormation and the API have the same words for an alarm.
    cloudwatch.put_metric_alarm(**properties)
    arn = target.deployed.arn("cloudwatch", f"alarm:{name}")
    # PutMetricAlarm would tag new alarms only.
    cloudwatch.tag_resource(ResourceARN=arn, Tags=pairs(target.stage.tags))


def _delete_alarm(target: Target, _: str, properties: Properties) -> None:
    target.client("cloudwatch").delete_alarms(AlarmNames=[properties["AlarmName"]])


def _put_dashboard(target: Target, _: str, properties: Properties) -> None:
    target.client("cloudwatch").put_dashboard(**properties)


def _delete_dashboard(target: Target, _: str, properties: Properties) -> None:
    unless(
        "DashboardNotFoundError",
        target.client("cloudwatch").delete_dashboards,
        DashboardNames=[properties["DashboardName"]],
    )


def _put_log_group(target: Target, _: str, properties: Properties) -> None:
    logs, name = target.client("logs"), properties["LogGroupName"]
    unless(LOG_GROUP_EXISTS, logs.create_log_group, logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])
    if "KmsKeyId" in properties:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=properties["KmsKeyId"])
    arn = target.deployed.arn("logs", f"log-group:{name}")
    logs.tag_resource(resourceArn=arn, tags=target.stage.tags)


def _delete_log_group(target: Target, _: str, properties: Properties) -> None:
    logs = target.client("logs")
    unless(NO_LOG_GROUP, logs.delete_log_group, logGroupName=properties["LogGroupName"])


ALARM = Handler(
    frozenset(
        {
            "AlarmName",
            "AlarmDescription",
            "AlarmActions",
            "OKActions",
            "Namespace",
            "MetricName",
            "Dimensions",
            "Statistic",
            "ExtendedStatistic",
            "EvaluateLowSampleCountPercentile",
            "Period",
            "ComparisonOperator",
            "Threshold",
            "EvaluationPeriods",
            "DatapointsToAlarm",
            "TreatMissingData",
        }
    ),
    _put_alarm,
    _delete_alarm,
)
DASHBOARD = Handler(
    frozenset({"DashboardName", "DashboardBody"}), _put_dashboard, _delete_dashboard
)
LOG_GROUP = Handler(
    frozenset({"LogGroupName", "RetentionInDays", "KmsKeyId"}), _put_log_group, _delete_log_group
)
