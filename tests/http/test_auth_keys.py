"""Keys: what is kept of one, and what of it is never shown again."""

import base64
import hashlib
import logging
import re

import pytest

from chalicelib.http import keys
from chalicelib.http.keys import KeyItem

pytestmark = pytest.mark.usefixtures("moto")


def test_a_key_is_256_bits_behind_a_prefix_that_scanners_know() -> None:
    made = {keys.create("till", ["read"], ["acme"])[0] for _ in range(3)}

    assert len(made) == 3
    for secret in made:
        prefix, _, random = secret.partition("_")
        assert prefix == "tf"
        assert len(base64.urlsafe_b64decode(random + "=")) == 32


def test_only_the_hash_of_a_key_is_stored() -> None:
    secret, _ = keys.create("till", ["read"], ["acme"])

    item = KeyItem.get(hashlib.sha256(secret.encode()).hexdigest())

    assert secret not in repr(item.serialize())
    assert secret.removeprefix("tf_") not in repr(item.serialize())


def test_a_key_that_is_found_says_what_it_opens() -> None:
    secret, made = keys.create("till", ["read", "write"], ["acme", "beta"])

    found = keys.find(secret)

    assert found == made
    assert made.name == "till"
    assert made.scopes == {"read", "write"}
    assert made.ledgers == {"acme", "beta"}
    assert made.revoked_at is None


def test_the_id_of_a_key_tells_it_apart_and_does_not_open_anything() -> None:
    secret, key = keys.create("till", ["read"], ["acme"])
    hash = hashlib.sha256(secret.encode()).hexdigest()

    assert len(key.id) == 12
    assert secret not in key.id
    assert keys.find(key.id) is None
    assert keys.find(f"tf_{key.id}") is None
    assert keys.find(hash) is None
    assert keys.find(f"tf_{hash}") is None


def test_what_the_table_hands_out_for_another_hash_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others, _ = keys.create("other", ["write"], [keys.ALL_LEDGERS])
    item = KeyItem.get(hashlib.sha256(others.encode()).hexdigest())
    monkeypatch.setattr(KeyItem, "get", lambda *_, **__: item)

    assert keys.find(others) is not None
    assert keys.find("tf_" + "x" * 43) is None


def test_a_revoked_key_is_not_found_and_keeps_the_time_of_its_first_revocation() -> None:
    secret, key = keys.create("till", ["read"], ["acme"])

    revoked = keys.revoke(key.id)

    assert revoked is not None
    assert revoked.revoked_at is not None
    assert keys.find(secret) is None
    assert keys.revoke(key.id) == revoked


def test_every_key_has_the_form_by_which_the_gateway_knows_one() -> None:
    for _ in range(100):
        assert re.fullmatch(keys.PATTERN, keys.create("till", ["read"], ["acme"])[0])


@pytest.mark.parametrize("digits", [0, 1, 11])
def test_a_part_of_an_id_revokes_nothing(digits: int) -> None:
    secret, key = keys.create("till", ["read"], ["acme"])

    assert keys.revoke(key.id[:digits]) is None
    assert keys.find(secret) is not None


def test_revoking_one_key_leaves_the_others() -> None:
    kept, _ = keys.create("till", ["read"], ["acme"])
    _, key = keys.create("till", ["read"], ["acme"])

    keys.revoke(key.id)

    assert keys.find(kept) is not None


def test_no_log_says_a_key_however_much_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        secret, key = keys.create("till", ["read"], ["acme"])
        keys.find(secret)
        keys.revoke(key.id)
        keys.find(secret)

    assert key.id in caplog.text, "nothing was logged that could have said it"
    assert secret.removeprefix("tf_") not in caplog.text
