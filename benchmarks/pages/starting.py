"""What a Lambda needs to start, and of its CPU: parts 6 and 7."""

from benchmarks.pages.markdown import Found, table


def cold(found: Found) -> str:
    """Part 6."""
    rows = table(
        (
            "",
            "import ms",
            "first request ms",
            "both",
            "of the floor",
            "of the trimmed floor",
            "peak MB",
            "modules",
        ),
        (
            (
                row["lambda"],
                f"{row['import']:.0f}",
                f"{row['first']:.0f}",
                f"{row['total']:.0f}",
                f"{row['of_floor']:.2f}",
                f"{row['of_trimmed']:.2f}",
                f"{row['megabytes']:.0f}",
                row["modules"],
            )
            for row in found["rows"]
        ),
    )
    size = found["zip"]
    packed, unpacked = size["packed"] / 2**20, size["unpacked"] / 2**20
    return f"{rows}\n\nThe package: {packed:.1f} MB, unpacked {unpacked:.1f} MB."


def cpu(found: Found) -> str:
    """Part 7."""
    owners = ("chalicelib", "pynamodb", "botocore", "chalice", "Python")
    pure = found["pure"]["transfer, 2 entries"]
    return (
        table(
            ("", "CPU, µs", *owners),
            (
                (
                    row["operation"],
                    f"{row['microseconds']:.0f}",
                    *(
                        f"{found['profiles'][row['operation']]['shares'].get(owner, 0):.0%}"
                        for owner in owners
                    ),
                )
                for row in found["rows"]
            ),
        )
        + f"\n\nA transfer on a store in memory, decided, folded, encoded, hashed: {pure:.0f} µs."
    )


def hot_spots(found: Found) -> str:
    """Part 7: the functions in which most of a transfer's time is spent, without what they call."""
    ours = found["profiles"]["transfer, 2 entries"]["functions"]
    named = ", ".join(f"`{function}` {share:.0%}" for function, share in list(ours.items())[:5])
    return f"No function stands out: of a transfer's time, without what they call, {named}."
