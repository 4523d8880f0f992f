"""ClickHouse: the engine of the PyPI package ``chdb`` behind its HTTP interface (`clickhouse_http`)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from marts_platform.embedded.http_server import HttpServer


class ClickHouseServer(HttpServer):
    """The ClickHouse warehouse."""

    name: ClassVar[str] = "clickhouse"
    title: ClassVar[str] = "ClickHouse"
    module: ClassVar[str] = "marts_platform.embedded.clickhouse_http"
    user: ClassVar[str] = "default"
    version_path: ClassVar[str] = "/?query=SELECT%20version()"

    @override
    def environment(self) -> dict[str, str]:
        return {"MARTS_CLICKHOUSE_URL": self.url}
