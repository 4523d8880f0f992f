"""Runs the demo's Prometheus until SIGTERM or SIGINT: some of the HTTP API, over samples that it was sent.

``/api/v1/query``, ``query_range``, ``series`` and ``labels`` answer as Prometheus does, what they can (see
`prometheus_samples`); ``POST /api/v1/import/prometheus`` takes samples with their times in Prometheus' text
format, as VictoriaMetrics does: nothing is scraped here.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marts_platform.embedded.prometheus_samples import BadDataError, Samples, milliseconds, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from marts_platform.embedded.prometheus_samples import Answer

USER = "marts"
VERSION_PATH = "/version"
IMPORT_PATH = "/api/v1/import/prometheus"
LOOPBACK = "127.0.0.1"
_MAX_POINTS = 11_000


def main() -> None:
    """Serves a folder's samples on loopback, to whoever knows the password."""
    parser = argparse.ArgumentParser(
        prog="python -m marts_platform.embedded.prometheus_http", description="Serves the demo's metrics."
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the samples")
    parser.add_argument("--port", type=int, required=True, help=f"the port to listen on, on {LOOPBACK}")
    parser.add_argument(
        "--password-file", type=Path, required=True, help=f"holds the password of the user {USER}"
    )
    arguments = parser.parse_args()
    password = arguments.password_file.read_text("utf-8").strip()
    if not password:
        sys.exit(f"{arguments.password_file} is empty; a server without a password is not started")
    data: Path = arguments.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)

    import uvicorn

    uvicorn.run(
        application(data / "samples.txt", password),
        host=LOOPBACK,
        port=arguments.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def application(file: Path, password: str) -> ASGIApp:
    """The ASGI application.

    Args:
        file: of the samples.
        password: of the one user.
    """
    from starlette.applications import Starlette
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    from marts_platform import __version__

    expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
    samples = Samples(file)

    def refused(request: Request) -> Response | None:
        if hmac.compare_digest(request.headers.get("authorization", "").encode(), expected.encode()):
            return None
        return PlainTextResponse("Who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="prometheus"'})

    def answered(answer: Callable[[Mapping[str, str], str], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            if (refusal := refused(request)) is not None:
                return refusal
            body = (await request.body()).decode()
            is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
            form = {**request.query_params, **(QueryParams(body) if is_form else {})}
            try:
                # On the event loop, one at a time: nobody but the demo is waiting.
                data = answer(form, body)
            except (BadDataError, KeyError, ValueError) as error:
                said = f"missing {error}" if isinstance(error, KeyError) else str(error)
                return JSONResponse({"status": "error", "errorType": "bad_data", "error": said}, 400)
            return JSONResponse({"status": "success", "data": data})

        return endpoint

    def query(form: Mapping[str, str], _: str) -> Any:
        kind, answer = samples.query(form["query"].strip(), _moment(form["time"]))
        if kind == "matrix":
            return {"resultType": kind, "result": _matrix(answer)}
        return {"resultType": kind, "result": [
            {"metric": dict(labels), "value": [at / 1000, shown(value)]} for labels, ((at, value),) in answer
        ]}  # fmt: skip

    def query_range(form: Mapping[str, str], _: str) -> Any:
        start, end, step = _moment(form["start"]), _moment(form["end"]), _step(form["step"])
        if step <= 0 or (end - start) // step >= _MAX_POINTS:
            raise BadDataError(
                "exceeded maximum resolution of 11,000 points per timeseries, or a step below 0"
            )
        return {"resultType": "matrix", "result": _matrix(
            samples.query_range(form["query"].strip(), start, end, step)
        )}  # fmt: skip

    def series(form: Mapping[str, str], _: str) -> Any:
        found = samples.matching(form["match[]"], _moment(form["start"]) - 1, _moment(form["end"]))
        return [dict(labels) for labels in found]

    def version(request: Request) -> Response:
        return refused(request) or PlainTextResponse(__version__)

    both = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/api/v1/query", answered(query), methods=both),
            Route("/api/v1/query_range", answered(query_range), methods=both),
            Route("/api/v1/series", answered(series), methods=both),
            Route("/api/v1/labels", answered(lambda _, __: samples.labels()), methods=both),
            Route(IMPORT_PATH, answered(lambda _, text: {"added": samples.add(text)}), methods=["POST"]),
            Route(VERSION_PATH, version),
        ]
    )


def _matrix(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"metric": dict(labels), "values": [[at / 1000, shown(value)] for at, value in points]}
        for labels, points in answer
    ]


def _moment(text: str) -> int:
    return round(float(text) * 1000)


def _step(text: str) -> int:
    return milliseconds(text) if text[-1:].isalpha() else _moment(text)


if __name__ == "__main__":
    main()
