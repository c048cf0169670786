"""Errors of AWS or the connection to it, in one line for the person at the terminal."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)

_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)


def in_words(error: BaseException) -> str | None:
    """One line about an error of AWS, or None for any other error.

    Also for one that PynamoDB wraps in its own.
    """
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case ClientError():
                found = seen.response["Error"]
                return f"AWS refused {seen.operation_name}: {found['Code']}: {found['Message']}"
            case BotoCoreError() if isinstance(seen, _NO_CREDENTIALS):
                return f"no credentials for AWS ({seen}); see `aws configure`, or set AWS_PROFILE"
            case BotoCoreError():
                return str(seen)
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None
