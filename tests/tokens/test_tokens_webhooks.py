"""Signatures of webhooks, checked by the library of the specification."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from scim_connector.tokens import webhooks

BODY = '{"type":"webhook.test","data":{"name":"Jürgen 李"}}'.encode()


def test_a_signature_is_that_of_the_specification() -> None:
    """Over id, instant and the very bytes; any of them changed, and it is wrong."""
    secret, now = webhooks.mint(), int(time.time())
    sent = webhooks.headers([secret], "msg_1", now, BODY)

    assert Webhook(secret).verify(BODY, sent)["data"] == {"name": "Jürgen 李"}
    for wrong in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(now - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, {**sent, **wrong})
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhooks.mint()).verify(BODY, sent)


def test_each_secret_that_is_held_signs() -> None:
    """So that whoever checks with either of them is content."""
    new, former = webhooks.mint(), webhooks.mint()
    sent = webhooks.headers([new, former], "msg_1", int(time.time()), BODY)

    assert len(sent["webhook-signature"].split(" ")) == 2
    for secret in (new, former):
        assert Webhook(secret).verify(BODY, sent)


def test_a_secret_is_long_and_new() -> None:
    """32 bytes by chance, within the 24 to 64 of the specification."""
    made = {webhooks.mint() for _ in range(50)}

    assert len(made) == 50
    for each in made:
        assert each.startswith("whsec_")
        assert len(base64.b64decode(each.removeprefix("whsec_"), validate=True)) == 32
