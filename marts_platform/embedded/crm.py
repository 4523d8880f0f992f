"""The demo's CRM: a small HTTP service (`crm_http`) that answers the customers in a file of the stack."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from marts_platform.embedded.crm_http import USER, USERS_FILE, VERSION_PATH
from marts_platform.embedded.http_server import HttpServer


class CrmServer(HttpServer):
    """The CRM source."""

    name: ClassVar[str] = "crm"
    title: ClassVar[str] = "The CRM"
    module: ClassVar[str] = "marts_platform.embedded.crm_http"
    user: ClassVar[str] = USER
    version_path: ClassVar[str] = VERSION_PATH

    @override
    def environment(self) -> dict[str, str]:
        return {"MARTS_CRM_URL": self.url}

    @override
    def owners(self) -> dict[str, str]:
        """The file that the customers come from, as a URL: whoever may write it owns the CRM."""
        return {self.name: (self.data / USERS_FILE).as_uri()}
