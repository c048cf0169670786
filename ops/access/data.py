"""Data: the statements for tables, queues, streams, keys, logs and alarms."""

from ops.access import Statement, allow

TABLE = "arn:*:dynamodb:*:*:table/twofold-*"

_LOG_GROUPS = [
    f"arn:*:logs:*:*:log-group:/aws/{service}/twofold-*" for service in ("lambda", "apigateway")
]
_KEY = "arn:*:kms:*:*:key/*"
_THROUGH = {
    "StringLike": {
        "kms:ViaService": [
            f"{service}.*" for service in ("dynamodb", "sqs", "kinesis", "lambda", "logs")
        ]
    }
}


def tables() -> list[Statement]:
    """The tables: made, changed, backed up and restored; their items read, rebuilt and audited."""
    return [
        allow(
            "Tables",
            "dynamodb",
            "CreateTable DescribeTable UpdateTable DeleteTable DescribeContinuousBackups "
            "UpdateContinuousBackups DescribeContributorInsights DescribeTimeToLive "
            "UpdateTimeToLive "
            "DescribeKinesisStreamingDestination EnableKinesisStreamingDestination "
            "DisableKinesisStreamingDestination UpdateKinesisStreamingDestination "
            "GetResourcePolicy ListTagsOfResource TagResource UntagResource "
            "CreateTableReplica DeleteTableReplica DescribeTableReplicaAutoScaling",
            TABLE,
        ),
        allow(
            "Items",
            "dynamodb",
            "BatchGetItem BatchWriteItem DeleteItem GetItem PartiQLInsert PartiQLUpdate PutItem "
            "Query Scan UpdateItem",
            TABLE,
        ),
        allow(
            "Backups",
            "dynamodb",
            "CreateBackup DescribeBackup RestoreTableFromBackup RestoreTableToPointInTime",
            TABLE,
        ),
        allow("AllBackups", "dynamodb", "ListBackups", "*"),
        allow(
            "TablesScaling",
            "application-autoscaling",
            "DescribeScalableTargets DescribeScalingPolicies DescribeScheduledActions",
            "*",
        ),
    ]


def queues() -> list[Statement]:
    """The queues for abandoned batches, and the Kinesis stream of changes."""
    return [
        allow(
            "Queues",
            "sqs",
            "CreateQueue DeleteQueue GetQueueAttributes SetQueueAttributes GetQueueUrl "
            "ListQueueTags TagQueue UntagQueue",
            "arn:*:sqs:*:*:twofold-*",
        ),
        allow(
            "Streams",
            "kinesis",
            "CreateStream DeleteStream DescribeStream DescribeStreamSummary PutRecords "
            "IncreaseStreamRetentionPeriod DecreaseStreamRetentionPeriod StartStreamEncryption "
            "StopStreamEncryption UpdateStreamMode AddTagsToStream RemoveTagsFromStream "
            "ListTagsForStream ListTagsForResource TagResource UntagResource",
            "arn:*:kinesis:*:*:stream/twofold-*",
        ),
    ]


def kms() -> list[Statement]:
    """A KMS key of the account's own, through the services that use it."""
    granted = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        describing_keys(),
        allow("AllKeys", "kms", "ListAliases", "*"),
        using_keys(),
        allow("GrantKeys", "kms", "CreateGrant RevokeGrant", _KEY, where={**_THROUGH, **granted}),
    ]


def describing_keys() -> Statement:
    """Reading whether a key is AWS's or the account's own."""
    return allow("Keys", "kms", "DescribeKey", _KEY)


def using_keys() -> Statement:
    """Encryption and decryption by a service for its caller."""
    return allow(
        "UseKeys",
        "kms",
        "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext",
        _KEY,
        where=_THROUGH,
    )


def monitoring() -> list[Statement]:
    """Log groups, alarms and dashboards."""
    return [
        allow(
            "Logs",
            "logs",
            "CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy "
            "AssociateKmsKey DisassociateKmsKey GetDataProtectionPolicy "
            "TagResource UntagResource ListTagsForResource",
            *_LOG_GROUPS,
        ),
        allow(
            "AllLogs",
            "logs",
            "DescribeLogGroups DescribeIndexPolicies DescribeResourcePolicies",
            "*",
        ),
        allow(
            "Alarms",
            "cloudwatch",
            "PutMetricAlarm DeleteAlarms DescribeAlarms TagResource UntagResource "
            "ListTagsForResource",
            "arn:*:cloudwatch:*:*:alarm:twofold-*",
        ),
        allow(
            "Dashboards",
            "cloudwatch",
            "GetDashboard PutDashboard DeleteDashboards",
            "arn:*:cloudwatch::*:dashboard/twofold-*",
        ),
        allow("Metrics", "cloudwatch", "GetMetricStatistics", "*"),
    ]
