"""Runs the demo's CRM until SIGTERM or SIGINT: ``GET /api/users`` answers the customers of a file, as JSON.

The file is one JSON object, read anew at every request: ``users`` is a list of whatever the CRM is to tell,
``page_size`` says in which form. None of it: the bare list. A number: pages of so many, each an object with
``items``, ``page``, ``size``, ``total`` and ``next``, a link to the next page. No file: no customers.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp

USER = "marts"
USERS_FILE = "users.json"
USERS_PATH = "/api/users"
VERSION_PATH = "/version"
LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serves a folder's customers on loopback, to whoever knows the password."""
    parser = argparse.ArgumentParser(
        prog="python -m marts_platform.embedded.crm_http", description="Serves the demo's customers."
    )
    parser.add_argument("--data", type=Path, required=True, help=f"the folder with {USERS_FILE}")
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
        application(data / USERS_FILE, password),
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
        file: with the customers; see the module's docstring.
        password: of the one user.
    """
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    from marts_platform import __version__

    expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()

    def refused(request: Request) -> Response | None:
        if hmac.compare_digest(request.headers.get("authorization", "").encode(), expected.encode()):
            return None
        return PlainTextResponse("Who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="crm"'})

    # Functions that are not async: starlette runs them in a thread, so a slow disk holds nobody else up.
    def users(request: Request) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        content: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
        everybody: list[Any] = content.get("users", [])
        if not content.get("page_size"):
            return JSONResponse(everybody)
        page = request.query_params.get("page", "1")
        if not page.isdecimal() or int(page) < 1:
            return PlainTextResponse(f"page {page!r} is no number from 1 on\n", 400)
        return JSONResponse(page_of(everybody, int(page), content["page_size"]))

    def version(request: Request) -> Response:
        return refused(request) or PlainTextResponse(__version__)

    return Starlette(routes=[Route(USERS_PATH, users), Route(VERSION_PATH, version)])


def page_of(everybody: list[Any], page: int, size: int) -> dict[str, Any]:
    """A page of the customers, with a link to the next one if there is one."""
    end = page * size
    return {
        "items": everybody[end - size : end],
        "page": page,
        "size": size,
        "total": len(everybody),
        "next": f"{USERS_PATH}?page={page + 1}" if end < len(everybody) else None,
    }


if __name__ == "__main__":
    main()
