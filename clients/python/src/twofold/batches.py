"""Batches: sent again until all parts are done or refused, with the results of all attempts."""

from typing import Any

import msgspec

from twofold.calls import Calls, keyed
from twofold.problems import NoReply, Problem
from twofold.transport import AGAIN, Reply


def done(calls: Calls, path: str, body: Any, key: str) -> list[dict[str, Any]]:
    """The results of a batch, which is sent again for parts that were not attempted or are unknown.

    Raises Problem for a batch that is refused as a whole, and NoReply.
    """
    sent = _Results()
    try:
        calls.write(path, body, key=key, headers=keyed(key), is_unfinished=sent.are_unfinished_by)
    except (Problem, NoReply) as error:
        # Earlier attempts have results.
        if not sent.results or (isinstance(error, Problem) and error.status not in AGAIN):
            raise
    return sent.results


class _Results:
    """The results of a batch, of all its attempts so far."""

    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []

    def are_unfinished_by(self, reply: Reply) -> bool:
        """Adds the results of a reply; whether the same batch may still do some part."""
        found: list[dict[str, Any]] = msgspec.json.decode(reply.body)["results"]
        before = self.results or found
        self.results = [_of_both(old, new) for old, new in zip(before, found, strict=True)]
        return any(result["status"] in AGAIN for result in self.results)


def _of_both(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The result of a part after two attempts. An unknown one stays unknown until it is done or
    refused, since the write of the first attempt may still arrive.
    """
    if old["status"] not in AGAIN:
        return old
    unknown = old["problem"]["code"] == "outcome_unknown"
    return old if unknown and new["status"] in AGAIN else new
