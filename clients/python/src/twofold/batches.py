"""Batches: sent again for what is left of them, with the results of all sendings together."""

from typing import Any

import msgspec

from twofold.calls import Calls, keyed
from twofold.problems import NoReply, Problem
from twofold.transport import AGAIN, Reply


def done(calls: Calls, path: str, body: Any, key: str) -> list[dict[str, Any]]:
    """The results of a batch, which is sent again for what was not attempted or is unknown.

    Raises Problem for a batch that is refused as a whole, and NoReply.
    """
    sent = _Results()
    try:
        calls.write(path, body, key=key, headers=keyed(key), is_unfinished=sent.are_unfinished_by)
    except (Problem, NoReply) as error:
        # What an earlier sending did is known all the same.
        if not sent.results or (isinstance(error, Problem) and error.status not in AGAIN):
            raise
    return sent.results


class _Results:
    """The results of a batch, of all its sendings so far."""

    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []

    def are_unfinished_by(self, reply: Reply) -> bool:
        """Takes a reply in; whether something is left that the same batch may yet do."""
        found: list[dict[str, Any]] = msgspec.json.decode(reply.body)["results"]
        before = self.results or found
        self.results = [_of_both(old, new) for old, new in zip(before, found, strict=True)]
        return any(result["status"] in AGAIN for result in self.results)


def _of_both(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What is known of a part after two sendings: what is unknown stays so until it is done or
    refused, since what the first sending wrote may yet arrive.
    """
    if old["status"] not in AGAIN:
        return old
    unknown = old["problem"]["code"] == "outcome_unknown"
    return old if unknown and new["status"] in AGAIN else new
