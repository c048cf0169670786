"""Code: the statements for stacks, their bucket, roles, Lambdas and APIs."""

from ops.access import Statement, allow, deny
from ops.logging_role import ROLE as LOGGING_ROLE

BOUNDARY = "twofold-boundary"
"""The name of the policy that bounds the roles of the Lambdas, where one is required."""

STACK = "arn:*:cloudformation:*:*:stack/twofold-*/*"
TRANSFORM = "arn:*:cloudformation:*:*:transform/Serverless-2016-10-31"
"""SAM's transform, which a change set of our templates needs."""

_FUNCTION = "arn:*:lambda:*:*:function:twofold-*"
_OF_FUNCTION = {"ArnLike": {"lambda:FunctionArn": _FUNCTION}}
_MAPPING = "arn:*:lambda:*:*:event-source-mapping:*"
_ROLE = "arn:*:iam::*:role/twofold-*"
_BOUNDED = {"ArnLike": {"iam:PermissionsBoundary": f"arn:*:iam::*:policy/{BOUNDARY}"}}


def stacks() -> list[Statement]:
    """The stacks, and the bucket of their code and templates."""
    bucket = "arn:*:s3:::twofold-deployments-*"
    return [
        allow(
            "Stacks",
            "cloudformation",
            "DescribeChangeSet ExecuteChangeSet DeleteChangeSet UpdateStack "
            "DeleteStack RollbackStack ContinueUpdateRollback DescribeStackEvents "
            "ListStackResources UntagResource",
            STACK,
        ),
        *changing(),
        # All, since the code of all stacks is listed.
        allow("AllStacks", "cloudformation", "DescribeStacks", "*"),
        allow(
            "Bucket",
            "s3",
            "CreateBucket ListBucket PutBucketPublicAccessBlock PutBucketOwnershipControls",
            bucket,
        ),
        allow("Code", "s3", "GetObject PutObject DeleteObject", f"{bucket}/*"),
    ]


def changing() -> list[Statement]:
    """Creating change sets, with tags, which change nothing until they are executed."""
    return [
        allow("ChangeSets", "cloudformation", "CreateChangeSet", STACK, TRANSFORM),
        allow("ChangeSetsTags", "cloudformation", "TagResource", STACK),
    ]


def roles(*, bounded: bool) -> list[Statement]:
    """The roles of the Lambdas, and the one with which API Gateway writes logs.

    Permission to create any role and pass it to a Lambda is permission to do anything. So bounded
    roles can only be created and changed with the boundary, which cannot be removed.
    """
    logging = f"arn:*:iam::*:role/{LOGGING_ROLE}"
    given = "CreateRole PutRolePolicy DeleteRolePolicy PutRolePermissionsBoundary"
    return [
        allow(
            "Roles",
            "iam",
            "GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies DeleteRole TagRole "
            "UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
            _ROLE,
        ),
        allow(
            "RolesPowers",
            "iam",
            given if bounded else f"{given} DeleteRolePermissionsBoundary",
            _ROLE,
            where=_BOUNDED if bounded else None,
        ),
        *([allow("LoggingRole", "iam", "CreateRole", logging)] if bounded else []),
        # Only API Gateway assumes it. By the Service Authorization Reference no condition can bound
        # this action.
        deny("LoggingRolesTrust", "iam", "UpdateAssumeRolePolicy", logging),
        allow(
            "LoggingRolesPolicy",
            "iam",
            "AttachRolePolicy",
            logging,
            where={
                "ArnLike": {
                    "iam:PolicyARN": "arn:*:iam::aws:policy/service-role/"
                    "AmazonAPIGatewayPushToCloudWatchLogs"
                }
            },
        ),
        allow(
            "GiveRoles",
            "iam",
            "PassRole",
            _ROLE,
            where={
                "StringEquals": {
                    "iam:PassedToService": ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
                }
            },
        ),
        # AWS creates these for global tables, Kinesis streams of changes, and custom domains.
        allow(
            "ServiceRoles",
            "iam",
            "CreateServiceLinkedRole",
            "arn:*:iam::*:role/aws-service-role/*",
            where={
                "StringEquals": {
                    "iam:AWSServiceName": [
                        "replication.dynamodb.amazonaws.com",
                        "kinesisreplication.dynamodb.amazonaws.com",
                        "ops.apigateway.amazonaws.com",
                    ]
                }
            },
        ),
    ]


def functions() -> list[Statement]:
    """The Lambdas, their event sources, and their schedules."""
    return [
        allow(
            "Functions",
            "lambda",
            "CreateFunction DeleteFunction GetFunction GetFunctionConfiguration UpdateFunctionCode "
            "UpdateFunctionConfiguration AddPermission RemovePermission GetPolicy "
            "PutFunctionConcurrency DeleteFunctionConcurrency GetFunctionConcurrency "
            "GetFunctionCodeSigningConfig GetFunctionRecursionConfig GetFunctionScalingConfig "
            "GetRuntimeManagementConfig ListTags TagResource UntagResource",
            _FUNCTION,
        ),
        allow("Feed", "lambda", "CreateEventSourceMapping", "*", where=_OF_FUNCTION),
        allow(
            "Feeding",
            "lambda",
            "GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping",
            _MAPPING,
            where=_OF_FUNCTION,
        ),
        allow("FeedingsTags", "lambda", "ListTags TagResource UntagResource", _MAPPING),
        allow("WhatFeeds", "lambda", "ListEventSourceMappings", "*"),
        allow(
            "Schedules",
            "events",
            "PutRule DeleteRule DescribeRule PutTargets RemoveTargets ListTargetsByRule "
            "TagResource UntagResource ListTagsForResource",
            "arn:*:events:*:*:rule/twofold-*",
        ),
    ]


def apis() -> list[Statement]:
    """The APIs, and reading a user pool. AWS generates the ids in an API's ARNs, so no pattern
    matches ours only.
    """
    api = "arn:*:apigateway:*::/"
    return [
        allow(
            "Apis",
            "apigateway",
            "GET POST PUT PATCH DELETE",
            *[f"{api}{path}" for path in ("restapis", "restapis/*", "domainnames")],
            *[f"{api}{path}" for path in ("domainnames/*", "tags/*")],
        ),
        allow("ApiLogging", "apigateway", "GET PATCH", f"{api}account"),
        user_pools(),
    ]


def user_pools() -> Statement:
    """Reading a user pool, for `ops/cognito.py`."""
    return allow(
        "UserPools",
        "cognito-idp",
        "DescribeUserPool ListUserPoolClients DescribeUserPoolClient",
        "arn:*:cognito-idp:*:*:userpool/*",
    )
