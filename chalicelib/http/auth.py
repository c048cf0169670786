"""Auth: who is let in. What a caller may do is decided by `request.py`.

`keys`: an authorizer Lambda knows our own keys (`Authorization: Bearer tf_…`); its verdict is
cached for a minute, which is how long a revocation may take.

`cognito`: id tokens of a user pool, whose claims `custom:scopes` and `custom:ledgers` (words
separated by commas) say what a key would. No app client of the pool may write the two attributes:
a user of such a client could open every ledger. `ops/cognito.py` checks that.

`iam`: callers sign their requests (SigV4), and their own policies say what they may do. A ledger
that is not theirs is refused by API Gateway, before it comes here. `GET/ledgers` answers all names:
allow it only to those who may see them. This policy reads and writes acme, and nothing else; the
methods are spelled out because a `*` there would match slashes too:

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
"""The whole `Authorization` header of a request with a key, as a regular expression.

API Gateway refuses any other header with 401, and does not invoke the authorizer for it (the
`identityValidationExpression` of an authorizer of type TOKEN). It does not apply to `cognito`,
where API Gateway compares that expression with the token's `aud`.
"""

auth = Blueprint(__name__)


@auth.authorizer(ttl_seconds=CACHED_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Admits a known key, and passes on to the app what the key opens."""
    _, _, secret = request.token.partition(" ")
    key = keys.find(secret) if re.fullmatch(KEY_HEADER_PATTERN, request.token) else None
    if key is None:
        return AuthResponse(routes=[], principal_id="nobody")
    context = {"scopes": ",".join(sorted(key.scopes)), "ledgers": ",".join(sorted(key.ledgers))}
    return AuthResponse(routes=["*"], principal_id=key.id, context=context)


def authorizer() -> Authorizer | None:
    """The authorizer of every route that is not public, by this stage's settings; None for none.

    Raises ValueError for Cognito without a user pool.
    """
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
