"""Part 10: writes through a laptop's server."""

from benchmarks.pages.markdown import Found, ms, table


def laptop(found: Found) -> str:
    """Rate, latency and CPU time for each number of clients, by what they pay from."""
    head = ("the clients pay from", "clients", "transfers/s", "p50 ms", "p99 ms", "refused")
    return table(
        (*head, "CPU ms of the server", "CPU ms of the engine"),
        (
            (
                row["kind"],
                row["clients"],
                f"{row['per_second']:.0f}",
                ms(row["p50"]),
                ms(row["p99"]),
                row["refused"],
                f"{row['server_cpu_ms']:.1f}",
                f"{row['engine_cpu_ms']:.1f}",
            )
            for row in found["rows"]
        ),
    )
