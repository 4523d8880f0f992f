"""The CRM: its customers over HTTP, whole, as the JSON says them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.resources import http_collection
from marts_platform.resources.http_collection import (
    Collection,
    CollectionChangedError,
    CollectionError,
    read_collection,
)
from marts_platform.setting_paging import parse_declaration

if TYPE_CHECKING:
    import httpx

USERS_PATH = "/api/users"
MAX_PAGES = http_collection.MAX_PAGES
CrmError, CrmChangedError = CollectionError, CollectionChangedError


class CrmResource(dg.ConfigurableResource[Any]):
    """A CRM, named by the setting that holds its URL; ``MARTS_CRM_TOKEN`` is its bearer token, if any."""

    setting: str = "crm_url"

    def users(self) -> list[Any]:
        """Return all customers, as the CRM says them.

        Raises:
            CrmChangedError: its pages contradict each other, time and again.
            CrmError: the CRM refuses, does not answer, or answers something else.
            SettingsError: its URL is not set.
        """
        return read_collection(self._collection())

    def _collection(self) -> Collection:
        now, variable = settings.load(), settings.variable
        address = _address(now.url(self.setting), variable(self.setting))
        headers = {"Accept": "application/json", "User-Agent": "marts_platform"}
        if now.crm_token is not None:
            headers["Authorization"] = f"Bearer {now.crm_token.get_secret_value()}"
        return Collection(
            # Without the userinfo: whatever shows a URL from here on shows no password.
            url=address.copy_with(
                username=None, password=None, path=address.path.rstrip("/") + USERS_PATH, fragment=None
            ),
            name="the CRM",
            noun="customers",
            headers=headers,
            auth=_auth(address) if now.crm_token is None else None,
            timeout_seconds=now.crm_timeout_seconds,
            wait_seconds=now.crm_wait_minutes * 60,
            key="user_id",
            paging=parse_declaration(now.crm_paging),
            max_pages=MAX_PAGES,
            advice={
                "credentials": f"look at the user and password in {variable(self.setting)}, or at "
                f"{variable('crm_token')}",
                "paging": f"declare its pages with {variable('crm_paging')}",
                "wait": f"see {variable('crm_wait_minutes')}",
                "url": f"see {variable(self.setting)} in `marts status`",
            },
        )


def _address(url: str, variable: str) -> httpx.URL:
    import httpx

    address = None
    # Its message quotes what it takes for the port, which may be a part of the password: no cause of ours.
    with contextlib.suppress(httpx.InvalidURL):
        address = httpx.URL(url)
    if address is None or address.scheme not in ("http", "https") or not address.host:
        raise CrmError(f"{variable} cannot be read as a URL, http(s)://user:password@host:port")
    return address


def _auth(address: httpx.URL) -> tuple[str, str] | None:
    return (address.username, address.password) if address.username or address.password else None
