"""The demo's Prometheus: a small HTTP service (`prometheus_http`) over the samples that it was sent."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from marts_platform.embedded.http_server import HttpServer
from marts_platform.embedded.prometheus_http import USER, VERSION_PATH


class PrometheusServer(HttpServer):
    """The source of metrics. PyPI has no Prometheus; for a real one set ``MARTS_PROMETHEUS_URL``."""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "The demo's Prometheus"
    module: ClassVar[str] = "marts_platform.embedded.prometheus_http"
    user: ClassVar[str] = USER
    version_path: ClassVar[str] = VERSION_PATH

    @override
    def environment(self) -> dict[str, str]:
        return {"MARTS_PROMETHEUS_URL": self.url}

    @override
    def owners(self) -> dict[str, str]:
        """The same address: whoever knows the password may also send samples."""
        return {self.name: self.url}
