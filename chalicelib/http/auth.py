"""Authentication. `request.py` does the authorization.

`keys`: an authorizer Lambda finds Twofold's own keys (`Authorization: Bearer tf_…`). API Gateway
caches its result for a minute, so a revocation takes up to a minute.

`cognito`: id tokens of a user pool, with the claims `custom:scopes` and `custom:ledgers` (words
separated by commas). No app client of the pool may write the two attributes: a user of such a
client could open every ledger. `ops/cognito.py` checks that.

`iam`: callers sign their requests (SigV4), and API Gateway enforces their IAM policies.
`GET/ledgers` returns all ledgers: allow it only to callers who may see them. This policy allows
reads and writes of acme only; the methods are listed because a `*` there would match slashes too:

    {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": ["arn:*:execute-api:{region}:{account}:{api}/v1/GET/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/HEAD/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/POST/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/PATCH/ledgers/acme/*"]}]}
"""

import re

from chalice.app import (
    Authorizer,
    AuthRequest,
    AuthResponse,
    Blueprint,
    CognitoUserPoolAuthorizer,
    IAMAuthorizer,
)

from chalicelib.http import keys
from chalicelib.settings import settings

CACHED_SECONDS = 60

KEY_HEADER_PATTERN = rf"^[Bb][Ee][Aa][Rr][Ee][Rr] {keys.PATTERN}$"
"""A regular expression for the `Authorization` header of a request with a key.

API Gateway refuses any other header with 401 without invoking the authorizer (its
`identityValidationExpression`). Not for `cognito`, where that is compared with the token's `aud`.
"""

auth = Blueprint(__name__)


@auth.authorizer(ttl_seconds=CACHED_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Admits a known key, with its scopes and ledgers as context."""
    _, _, secret = request.token.partition(" ")
    key = keys.find(secret) if re.fullmatch(KEY_HEADER_PATTERN, request.token) else None
    if key is None:
        return AuthResponse(routes=[], principal_id="nobody")
    context = {"scopes": ",".join(sorted(key.scopes)), "ledgers": ",".join(sorted(key.ledgers))}
    return AuthResponse(routes=["*"], principal_id=key.id, context=context)


def authorizer() -> Authorizer | None:
    """The authorizer of this stage's routes, if any. Raises ValueError without a user pool."""
    match settings().auth:
        case "keys":
            guard: Authorizer = authorize
            return guard
        case "iam":
            return IAMAuthorizer()
        case "cognito":
            pool = settings().user_pool_arn
            if pool is None:
                raise ValueError("TWOFOLD_AUTH=cognito needs TWOFOLD_USER_POOL_ARN")
            return CognitoUserPoolAuthorizer("users", provider_arns=[pool])
        case _:
            return None
