"""Settings of this process, from its environment variables. The only reader of `os.environ`."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

WRITE, ACCOUNTS, JOURNAL = "write", "accounts", "journal"
READ_APIS = (ACCOUNTS, JOURNAL)
"""Each serves a projection group."""

AUTHENTICATION = ("keys", "iam", "cognito", "none")
"""The kinds of authentication; "none" outside of Lambda only."""

PROVISIONED = Path(__file__).resolve().parents[1] / ".chalice" / "provisioned.json"
"""A file of `ops provision` with the ARN of each environment's event stream; not packaged."""

_Value = TypeVar("_Value")

_ROOT = re.compile(r"(https://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?)(/[A-Za-z0-9_.~-]+)*")
"""The base URL of an API, which begins with its origin."""

_ORIGIN = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?!443$)[1-9][0-9]{0,4})?"
    r"|http://(?:localhost|127\.0\.0\.1)(?::(?!80$)[1-9][0-9]{0,4})?"
)
"""An origin as browsers send it (RFC 6454, 6.2): on this computer, or by https."""


@dataclass(frozen=True)
class Settings:
    """One stage of one environment.

    `environment` ("dev", "staging", "prod") and `replica`, a further copy of the read tables, are
    parts of table names. `serves` has the APIs of this process: "write", "accounts", "journal".
    Without `projects` there is no projector: another region fills the read tables. Projectors read
    the stream `stream_arn`, or `kinesis_stream`. With `strong_reads` a Read API may read the event
    table, and with `generations` it looks up the active table of each read model. `auth` is "keys",
    "iam", "cognito" (the pool `user_pool_arn`) or, outside of Lambda, "none". `accounts_url` and
    `journal_url` are the base URLs of the Read APIs, for the Write API's `Location` and for pages
    that call both; None where they are not known. `cors_origins` are the origins of other pages
    that may call these APIs from a browser. `embedded` means `chalice local` with the local
    environment. `home` is the folder of the embedded engine's data.
    """

    environment: str
    replica: str
    serves: tuple[str, ...]
    projects: bool
    region: str
    endpoint: str | None
    stream_arn: str
    kinesis_stream: str | None
    strong_reads: bool
    generations: bool
    auth: str
    user_pool_arn: str | None
    accounts_url: str | None
    journal_url: str | None
    cors_origins: tuple[str, ...]
    embedded: bool
    in_lambda: bool
    home: Path

    @property
    def read_origins(self) -> frozenset[str]:
        """The origins of the Read APIs whose base URLs are known."""
        roots = [_ROOT.fullmatch(url) for url in (self.accounts_url, self.journal_url) if url]
        return frozenset(root[1].lower().removesuffix(":443") for root in roots if root)

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins of pages that may call these APIs: if the Read APIs have different origins,
        also those two, for a page of either that calls both.
        """
        own, reads = self.read_origins, not {*READ_APIS}.isdisjoint(self.serves)
        return frozenset(self.cors_origins) | (own if reads and len(own) > 1 else frozenset())

    def table_name(self, table: str) -> str:
        """The real name of a table."""
        return f"twofold-{self.environment}-{table}"

    def read_table_name(self, table: str) -> str:
        """The real name of a read table."""
        return self.table_name(f"{self.replica}-{table}" if self.replica else table)


def read(environ: Mapping[str, str], argv: Sequence[str] = ()) -> Settings:
    """Settings from environment variables and a command line.

    Raises ValueError for an unknown API or kind of authentication, for a Lambda without
    authentication, for a switch that is neither 1 nor 0, and for a malformed URL or origin.
    """
    environment = environ.get("TWOFOLD_ENVIRONMENT", "dev")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    serves = tuple(environ.get("TWOFOLD_SERVES", f"{WRITE},{ACCOUNTS},{JOURNAL}").split(","))
    unknown = set(serves) - {WRITE, ACCOUNTS, JOURNAL}
    if unknown:
        raise ValueError(f"TWOFOLD_SERVES names no such API: {', '.join(sorted(unknown))}")
    embedded = is_embedded(environ, argv)
    auth = environ.get("TWOFOLD_AUTH") or ("none" if embedded else "keys")
    if auth not in AUTHENTICATION:
        raise ValueError(f"TWOFOLD_AUTH is keys, iam, cognito or none, not {auth}")
    in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in environ
    if in_lambda and auth == "none":
        raise ValueError(
            "TWOFOLD_AUTH=none would open every ledger to anybody, and is for a laptop only; "
            "set it to keys, iam or cognito for this stage and deploy it again"
        )
    return Settings(
        environment=environment,
        replica=environ.get("TWOFOLD_REPLICA", ""),
        serves=serves,
        projects=_switch("TWOFOLD_PROJECTS", environ, default="1"),
        region=region,
        endpoint=environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL"),
        # Chalice needs an ARN to declare a stream Lambda; a deployment supplies the real one.
        stream_arn=environ.get("TWOFOLD_STREAM_ARN")
        or _provisioned_stream(environment, environ)
        or f"arn:aws:dynamodb:{region}:000000000000:table/twofold-{environment}-events/stream/-",
        kinesis_stream=environ.get("TWOFOLD_KINESIS_STREAM") or None,
        strong_reads=_switch("TWOFOLD_STRONG_READS", environ),
        generations=_switch("TWOFOLD_GENERATIONS", environ),
        auth=auth,
        user_pool_arn=environ.get("TWOFOLD_USER_POOL_ARN") or None,
        accounts_url=_address("TWOFOLD_ACCOUNTS_URL", environ),
        journal_url=_address("TWOFOLD_JOURNAL_URL", environ),
        cors_origins=_origins("TWOFOLD_CORS_ORIGINS", environ),
        embedded=embedded,
        in_lambda=in_lambda,
        home=Path(environ.get("TWOFOLD_HOME") or Path.home() / ".cache" / "twofold"),
    )


def _provisioned_stream(environment: str, environ: Mapping[str, str]) -> str | None:
    """The ARN in the file of `ops provision`, for `chalice deploy` only."""
    if "AWS_CHALICE_CLI_MODE" not in environ or not PROVISIONED.exists():
        return None
    streams: dict[str, str] = json.loads(PROVISIONED.read_text())
    return streams.get(environment)


def _address(name: str, environ: Mapping[str, str]) -> str | None:
    given = environ.get(name) or None
    if given is not None and not _ROOT.fullmatch(given):
        raise ValueError(
            f"{name} is an https address without a slash at its end, "
            f"such as https://ledger.example.com/accounts, not {given!r}"
        )
    return given


def _origins(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    given = tuple(environ.get(name, "").replace(",", " ").split())
    for origin in given:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{name} has origins as browsers send them, separated by commas, such as "
                f"https://app.example.com or http://localhost:5173, not {origin!r}"
            )
    return given


def _switch(name: str, environ: Mapping[str, str], default: str = "0") -> bool:
    given = environ.get(name, default)
    if given not in ("", "0", "1"):
        raise ValueError(f"{name} is 1 or 0, not {given}")
    return given == "1"


def is_embedded(environ: Mapping[str, str], argv: Sequence[str]) -> bool:
    """Whether this is `chalice local` with the local environment."""
    return environ.get("TWOFOLD_EMBEDDED") == "1" and _is_chalice_local(environ, argv)


def _is_chalice_local(environ: Mapping[str, str], argv: Sequence[str]) -> bool:
    if "AWS_CHALICE_CLI_MODE" not in environ or "AWS_LAMBDA_FUNCTION_NAME" in environ:
        return False
    words = iter(argv[1:])
    for word in words:
        if word == "--project-dir":
            next(words, None)
        elif not word.startswith("-"):
            return word == "local"
    return False


_used: list[Settings] = []
"""Those of this process, and of each `using` around what runs now; the last ones count."""


def embedded() -> bool:
    """`is_embedded` of this process, also if other settings of it are wrong."""
    return is_embedded(os.environ, sys.argv)


def supervised() -> bool:
    """Whether Chalice's reloader started this process."""
    return "CHALICE_WORKER" in os.environ


@cache
def settings() -> Settings:
    """The settings of this process, read once, or those of `using`."""
    if not _used:
        _used.append(read(os.environ, sys.argv))
    return _used[-1]


def read_again() -> None:
    """Reads the settings of this process anew. Raises ValueError, as `read` does."""
    _used[:1] = [read(os.environ, sys.argv)]
    settings.cache_clear()


@contextmanager
def holding(variable: ContextVar[_Value], value: _Value) -> Iterator[None]:
    """Inside the block a variable has this value."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


@contextmanager
def using(other: Settings) -> Iterator[None]:
    """Inside the block these are the settings, for all threads."""
    settings()  # Those to go back to.
    _used.append(other)
    settings.cache_clear()
    try:
        yield
    finally:
        _used.pop()
        settings.cache_clear()
