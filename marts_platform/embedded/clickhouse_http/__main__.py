"""Runs the server until SIGTERM or SIGINT. See the package's docstring."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

import uvicorn

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Opens the data directory, serves it, and ends with exit code 0, also on a signal; 1 if it cannot."""
    parser = argparse.ArgumentParser(
        prog="python -m marts_platform.embedded.clickhouse_http",
        description="Serves ClickHouse's HTTP interface on loopback, from the embedded engine.",
    )
    parser.add_argument("--data", type=Path, required=True, help="the data directory; made if it is missing")
    parser.add_argument("--port", type=int, required=True, help=f"the port to listen on, on {LOOPBACK}")
    parser.add_argument(
        "--password-file", type=Path, required=True, help="holds the password of the user default"
    )
    arguments = parser.parse_args()
    password = arguments.password_file.read_text("utf-8").strip()
    if not password:
        sys.exit(f"{arguments.password_file} is empty; a server without a password is not started")
    # Before the engine is loaded: a DateTime without a zone is shown in the process's.
    os.environ["TZ"] = "UTC"
    _serve(arguments.data.absolute(), arguments.port, password)


def _serve(data: Path, port: int, password: str) -> None:
    from marts_platform.embedded.clickhouse_http.app import application
    from marts_platform.embedded.clickhouse_http.engine import Engine
    from marts_platform.embedded.clickhouse_http.errors import ServerError
    from marts_platform.embedded.clickhouse_http.repetition import repeat_replacements

    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        engine = Engine(data)
    except ServerError as error:
        sys.exit(
            f"The ClickHouse engine cannot open {data}: {error}\n"
            "One process at a time may have a data directory. Does another server run on this one?"
        )

    def leave(*_: object) -> NoReturn:
        # Not through Python's way out: it would wait for threads that may be inside the engine. Whatever was
        # answered is on disk already, as it is after a kill.
        engine.close()
        os._exit(0)

    # uvicorn takes the signals over while it serves; when it is done it sends them again, to these.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    repeat_replacements(engine)
    spool = data / "spool"
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(mode=0o700)
    server = uvicorn.Server(
        uvicorn.Config(
            application(engine, password, spool),
            host=LOOPBACK,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
        )
    )
    server.run()


if __name__ == "__main__":
    main()
