"""The router: a route is the signature of its view."""

from datetime import datetime
from typing import Annotated

import msgspec
import pytest

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.signature import Header, Query, Signature
from tests.http.api import Api


class Search(msgspec.Struct, frozen=True):
    """A query object."""

    ledger: str
    name: str | None = None
    size: Annotated[int, msgspec.Meta(ge=1)] = 1
    most: int | None = None
    from_: datetime | None = msgspec.field(name="from", default=None)


def changed(
    request: Request,
    ledger: str,
    body: Search = Search("a"),  # noqa: B008
    loud: bool = False,
    tag: Annotated[str | None, Header("If-Match")] = None,
) -> Response[Search]:
    raise NotImplementedError


def found(query: Search) -> Response[str]:
    raise NotImplementedError


def test_a_view_says_by_its_parameters_what_it_is_called_with() -> None:
    signature = Signature(changed, "/ledgers/{ledger}")

    assert (signature.takes_request, signature.any_parameter) == (True, False)
    assert (signature.body, signature.body_optional) == (Search, True)
    assert signature.flags == {"loud"}
    assert signature.headers == {"tag": Header("If-Match")}
    assert (signature.query, signature.response) == (None, Search)


def test_a_query_object_says_which_of_its_parameters_are_numbers_and_times() -> None:
    signature = Signature(found, "/ledgers/{ledger}")

    assert signature.query == Query(
        Search,
        frozenset({"ledger", "name", "size", "most", "from"}),
        frozenset({"size", "most"}),
        frozenset({"from"}),
    )
    assert signature.response is None


def test_a_parameter_that_no_request_has_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match="has no ledger"):
        Signature(changed, "/ledgers")


def test_a_part_of_the_path_that_a_view_does_not_ask_for_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match="changed: no parameter account"):
        Signature(changed, "/ledgers/{ledger}/accounts/{account}")


def test_whoever_asks_for_the_health_may_add_a_parameter_against_caches(api: Api) -> None:
    for query in ("?t=1", "?t=1&t=2"):
        assert api.request("GET", f"/health{query}").status_code == 200
    assert api.request("GET", "/docs?t=1").status_code == 400
