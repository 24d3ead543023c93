"""The process in which the providers of a demo live; ``playing`` starts it."""

from __future__ import annotations

import json
import os
import sys
from random import Random
from typing import TYPE_CHECKING

from scim_connector.demo.applications import listening
from scim_connector.demo.backstage import Backstage
from scim_connector.demo.director import Director, Run
from scim_connector.demo.entra import Entra
from scim_connector.demo.okta import Okta
from scim_connector.demo.pace import Pace, PacedTalk
from scim_connector.demo.people import DOMAIN, SEED, cast
from scim_connector.demo.playing import wait_until_ready
from scim_connector.demo.tenant import Tenant
from scim_connector.probe.client import Client
from scim_connector.settings import Settings
from scim_connector.wiring import open_house

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    """Read the tokens from stdin, wait for the server, play until it ends."""
    tokens: Mapping[str, str] = json.load(sys.stdin)
    settings = Settings.load(os.environ)
    parent = os.getppid()
    if not wait_until_ready(settings.address):
        return
    with listening() as address:
        director = _director(settings, tokens)
        director.backstage.register(address)
        Run(director, is_over=lambda: os.getppid() != parent).play()


def _director(settings: Settings, tokens: Mapping[str, str]) -> Director:
    random, pace, people = Random(SEED), Pace(), cast()  # noqa: S311 - a play

    def talk(provider: str) -> PacedTalk:
        client = Client(settings.base_url, provider, tokens[provider])
        return PacedTalk(client, DOMAIN, pace=pace)

    return Director(
        Tenant.of("entra", Entra(talk("entra")), people.entra),
        Tenant.of("okta", Okta(talk("okta")), people.okta),
        Backstage(open_house(settings), random),
        pace,
        random,
    )


if __name__ == "__main__":
    main()
