"""What the server does before it listens: it ends what the death of the one before cut short."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from marts_platform.core.clickhouse_repetition import end_replacements
from marts_platform.embedded.clickhouse_http.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marts_platform.embedded.clickhouse_http.engine import Engine


def repeat_replacements(engine: Engine) -> None:
    """Repeats each replacement of a partition that a load had begun, so that readers find one version.

    What cannot be repeated is said in the log, and left to the table's next load: a server that does not
    start would help nobody.
    """
    connection = engine.connect()

    def query(statement: str, values: dict[str, str]) -> Sequence[Sequence[Any]]:
        found = connection.execute(f"{statement}\nFORMAT JSONCompact".encode(), parameters=values)
        return json.loads(found)["data"]

    def command(statement: str, values: dict[str, str]) -> object:
        return connection.execute(statement.encode(), parameters=values)

    try:
        end_replacements(query, command)
    except ServerError as error:
        sys.stderr.write(f"A replacement that was cut short waits for the table's next load: {error.text}\n")
    finally:
        connection.close()
