"""CPU time of a call of DynamoDB: through botocore, through Calls with botocore's session, and
through Calls with its own. `python -m benchmarks.transport`

The replies come from another process, which does not count. The variants take turns. Besides
microseconds the ratio of the least times is printed, on which the machine's load has least effect.
"""

import multiprocessing
import os
import socketserver
import sys
import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

_ROUNDS, _CALLS = 12, 100
_ITEM = (
    b'{"stream":{"S":"acme/account/cash"},"version":{"N":"17"},"type":{"S":"EntryPosted"},'
    b'"data":{"S":"%s"},"state":{"S":"%s"},"recorded_at":{"S":"2026-11-26T12:00:00.000000Z"},'
    b'"command_id":{"S":"0190a0a0-aaaa-bbbb-cccc-000000000000"},"actor":{"S":"bench"},'
    b'"hash":{"B":"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="}}'
) % (b"d" * 220, b"s" * 200)
_QUERIED = b'{"Count":1,"ScannedCount":1,"Items":[%s]}' % _ITEM
_WRITTEN = b'{"ConsumedCapacity":[{"TableName":"twofold-bench-events","CapacityUnits":6.0}]}'


class _Answering(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while head := b"".join(iter(self.rfile.readline, b"\r\n")).lower():
            self.rfile.read(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
            body = _WRITTEN if b"transactwriteitems" in head else _QUERIED
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\n"
                b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n"
                b"x-amzn-RequestId: ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789VV4KQNSO5AEMVJF66Q9AS\r\n"
                b"x-amz-crc32: %d\r\n\r\n%s" % (len(body), crc32(body), body)
            )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def _serve(pipe: Any) -> None:
    """Serves for ever, on a port that is sent through the pipe."""
    with _Server(("127.0.0.1", 0), _Answering) as server:
        pipe.send(server.server_address[1])
        server.serve_forever()


def _calls(client: Any) -> dict[str, Callable[[], object]]:
    """A query of the newest event, and an append of three."""
    from chalicelib.events.dynamodb import to_item
    from tests.books import Bookkeeper

    books = Bookkeeper("bench")
    books.open_till()
    item = to_item(books.recorded[0]).serialize()
    put = {
        "TableName": "twofold-bench-events",
        "ConditionExpression": "attribute_not_exists(version)",
    }
    query = {
        "TableName": "twofold-bench-events",
        "KeyConditionExpression": "#0 = :0",
        "ExpressionAttributeNames": {"#0": "stream"},
        "ExpressionAttributeValues": {":0": {"S": "acme/account/cash"}},
        "ScanIndexForward": False,
        "Limit": 1,
        "ConsistentRead": True,
    }
    writes = {"TransactItems": [{"Put": {**put, "Item": item}} for _ in range(3)]}
    return {
        "query of 1": lambda: client._make_api_call("Query", dict(query)),
        "transaction of 3": lambda: client._make_api_call("TransactWriteItems", dict(writes)),
    }


def _microseconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.process_time() - began) / _CALLS * 1e6


def main() -> None:
    """Measures and prints."""
    there, here = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = f"http://127.0.0.1:{here.recv()}"
    from chalicelib.tables import connection

    client: Any = connection().client
    calls = client._make_api_call
    own, theirs = calls.http, client._endpoint.http_session
    ways = {
        "botocore": (calls._others, own),
        "Calls with botocore's session": (calls, theirs),
        "Calls with its own session": (calls, own),
    }
    least = {(way, name): float("inf") for way in ways for name in _calls(client)}
    for _ in range(_ROUNDS):
        for way, (client._make_api_call, calls.http) in ways.items():
            for name, call in _calls(client).items():
                least[way, name] = min(least[way, name], _microseconds(call))
    for (way, name), found in least.items():
        ratio = found / least["botocore", name]
        sys.stdout.write(f"{way:30} {name:17} {found:7.0f} µs {ratio:5.2f}\n")
    server.terminate()


if __name__ == "__main__":
    main()
