"""Fields: what names, assets, texts and times may look like, in every command."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import fingerprint, rfc3339, utc
from tests.domain.books import credit, debit, opening, posting

GOOD_IDS = ["a", "7", "cash", "customers:alice", "A.b_c-d:e", "x" * 128]
BAD_IDS = ["", "-a", ":a", ".", "_x", "a b", "a/b", "a#b", "a\n", "é", "aé", "\u0661", "x" * 129]
ENTRIES = (debit("cash", 1), credit("alice", 1))


@pytest.mark.parametrize("id", GOOD_IDS)
def test_ledgers_accounts_and_transactions_share_one_kind_of_id(id: str) -> None:
    assert opening(id, ledger=id).account == id
    assert posting(id, debit(id, 1), credit(id, 1), ledger=id).transaction == id


@pytest.mark.parametrize("id", BAD_IDS)
def test_an_id_that_no_stream_could_be_named_by_is_refused(id: str) -> None:
    places = []
    for make in (
        lambda: opening(id),
        lambda: opening(ledger=id),
        lambda: posting(id, *ENTRIES),
        lambda: posting("t", *ENTRIES, ledger=id),
        lambda: posting("t", debit("cash", 1), credit(id, 1)),
    ):
        with pytest.raises(InvalidField) as refused:
            make()
        places.append(refused.value.where)

    assert places == ["id", "ledger", "id", "ledger", "entries[1].account"]


@pytest.mark.parametrize("asset", ["USD/2", "POINTS/0", "x/10", "Gold.oz-t_1/99", "A" * 32 + "/1"])
def test_an_asset_is_a_code_and_a_scale(asset: str) -> None:
    assert opening(asset=asset).asset == asset


@pytest.mark.parametrize(
    "asset",
    [
        *["", "USD", "USD/", "/2", "USD/02", "USD/100", "USD/-1", "US D/2", "2USD/2", "USD/2\n"],
        *["€/2", "USD/\u0662", "USD/2/2", "A" * 33 + "/1"],
    ],
)
def test_what_does_not_say_its_scale_is_no_asset(asset: str) -> None:
    with pytest.raises(InvalidField) as refused:
        opening(asset=asset)

    assert refused.value.where == "asset"


@pytest.mark.parametrize("reference", [None, "r", "r" * 256, "\u20ac" * 256])
def test_a_reference_has_1_to_256_characters_or_is_absent(reference: str | None) -> None:
    assert posting("t", *ENTRIES, reference=reference).reference == reference


@pytest.mark.parametrize("reference", ["", "r" * 257])
def test_an_empty_or_endless_reference_is_refused(reference: str) -> None:
    with pytest.raises(InvalidField) as refused:
        posting("t", *ENTRIES, reference=reference)

    assert refused.value.where == "reference"


@pytest.mark.parametrize(
    ("letter", "most"), [("x", 4088), ("é", 2044), ("😀", 1022)], ids=["1 byte", "2", "4"]
)
def test_metadata_is_at_most_4096_bytes_of_json(letter: str, most: int) -> None:
    full = {"k": letter * most}  # {"k":""} are the other 8.

    assert opening(metadata=full).metadata == full
    assert posting("t", *ENTRIES, metadata=full).metadata == full
    over = {"k": letter * most + "x"}
    for make in (lambda: opening(metadata=over), lambda: posting("t", *ENTRIES, metadata=over)):
        with pytest.raises(InvalidField) as refused:
            make()
        assert refused.value.where == "metadata"


def test_metadata_counts_its_keys_too() -> None:
    many = {f"key-{place:04}": "" for place in range(300)}

    with pytest.raises(InvalidField, match="4096 bytes"):
        opening(metadata=many)


def test_a_time_is_taken_from_any_offset_to_utc() -> None:
    there = datetime(2026, 11, 1, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert utc(there, "from") == datetime(2026, 11, 1, tzinfo=UTC)
    assert utc(there, "from").tzinfo is UTC


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(InvalidField) as refused:
        utc(datetime(2026, 11, 1), "from")  # noqa: DTZ001  # Its lack is what is refused.

    assert (refused.value.where, refused.value.why) == ("from", "a time needs Z or an offset")


@pytest.mark.parametrize(
    "beyond",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
    ],
    ids=["before the year 1", "after the year 9999"],
)
def test_a_time_that_utc_cannot_say_is_refused(beyond: datetime) -> None:
    with pytest.raises(InvalidField) as refused:
        utc(beyond, "to")

    assert (refused.value.where, refused.value.why) == ("to", "the time is out of range")


def test_instants_are_written_so_that_text_order_is_time_order() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    instants = [begin, begin + timedelta(microseconds=1), begin + timedelta(days=400)]
    instants.insert(0, datetime(1, 1, 1, tzinfo=UTC))

    written = [rfc3339(instant) for instant in instants]

    assert written[:3] == [
        "0001-01-01T00:00:00.000000Z",
        "2026-11-01T00:00:00.000000Z",
        "2026-11-01T00:00:00.000001Z",
    ]
    assert written == sorted(written)


def test_a_fingerprint_that_was_stored_is_still_the_same_today() -> None:
    transfer = posting("t", *ENTRIES, reference="r", metadata={"b": "é", "a": "1"})

    assert transfer.fingerprint == "384a40a9c5f9c055c4caf99de430cffe"
    assert (
        opening(min_balance=None, metadata={"k": "v"}).fingerprint
        == "a2a1195fbb4f978949760bc57297c2e1"
    )


def test_content_is_told_apart_by_its_parts_and_not_by_their_sum() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("1") != fingerprint(1)
    assert fingerprint(None) != fingerprint("None")
