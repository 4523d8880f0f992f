"""The engine: chdb, its connections, and what one statement costs.

A connection is a session of the engine's: settings, the current database and temporary tables are its own. It
runs one statement at a time, in the calling thread, without holding Python's lock. Making one takes half a
millisecond.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from marts_platform.embedded.clickhouse_http.errors import from_engine

# chdb reads a lone word as an expression ("bogus" means SELECT bogus); a server refuses it as a syntax error.
_CONNECTION_SETTINGS = "implicit_select=0"


class _NativeResult(Protocol):
    def bytes(self) -> bytes | None: ...
    def elapsed(self) -> float: ...
    def rows_read(self) -> int: ...
    def bytes_read(self) -> int: ...
    def storage_rows_read(self) -> int: ...
    def storage_bytes_read(self) -> int: ...
    def rows_written(self) -> int: ...
    def bytes_written(self) -> int: ...


class _Native(Protocol):
    """chdb's connection; the wrapper that ``chdb.connect`` returns hides classify_query."""

    def query(self, query: bytes, format: str, *, params: Mapping[str, str]) -> _NativeResult: ...
    def classify_query(self, sql: bytes) -> dict[str, Any]: ...
    def set_progress_callback(self, callback: Any) -> None: ...
    def send_insert(self, query: bytes, format: str) -> object: ...
    def insert_append(self, insert: object, data: bytes) -> None: ...
    def insert_done(self, insert: object) -> _NativeResult: ...
    def insert_cancel(self, insert: object) -> None: ...
    def close(self) -> None: ...


@dataclass
class Summary:
    """What a statement cost, as X-ClickHouse-Summary names it; the engine's own counts."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    total_rows_to_read: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def header(self) -> str:
        """The header's value; a server sends the figures as strings."""
        return json.dumps({name: str(value) for name, value in asdict(self).items()}, separators=(",", ":"))


@dataclass(frozen=True)
class Kind:
    """What a text is to the engine: how many statements, whether they only read, or change their session."""

    statements: int
    reads_only: bool
    changes_session: bool


@contextmanager
def _engine_errors() -> Generator[None]:
    try:
        yield
    except (RuntimeError, UnicodeDecodeError) as error:
        raise from_engine(error) from None


class Connection:
    """One connection of the engine. Not for two threads at once."""

    def __init__(self, native: _Native) -> None:
        self._native = native
        self._summary = Summary()
        # Before the first statement: chdb looks then, and only then, whether somebody wants the progress.
        native.set_progress_callback(self._note)

    def execute(
        self,
        statement: bytes,
        default_format: str = "TabSeparated",
        parameters: Mapping[str, str] | None = None,
        summary: Summary | None = None,
    ) -> bytes:
        """Runs a statement.

        Args:
            statement: one statement.
            default_format: the format of its result if it names none.
            parameters: values for ``{name:Type}``, escaped as in tab-separated text, as HTTP clients do.
            summary: filled while the statement runs.

        Returns:
            The result, whole: for statements with small ones, or that write theirs elsewhere.

        Raises:
            ServerError: the engine refuses or fails.
        """
        self._summary = summary or Summary()
        with _engine_errors():
            result = self._native.query(statement, default_format, params=parameters or {})
        self._conclude(result)
        return bytes(result.bytes() or b"")

    def classify(self, text: bytes) -> Kind:
        """What a text would do; no statements at all if it does not parse."""
        with _engine_errors():
            found = self._native.classify_query(text)
        kind: str = found["query_class"].name
        return Kind(found["statement_count"], kind == "READ_ONLY", kind == "CONTROL")

    def close(self) -> None:
        """Ends the session in the engine."""
        self._native.set_progress_callback(None)
        self._native.close()

    def _note(self, progress: Mapping[str, int]) -> None:
        for name in (
            "read_rows",
            "read_bytes",
            "total_rows_to_read",
            "written_rows",
            "written_bytes",
            "elapsed_ns",
        ):
            setattr(self._summary, name, progress[name])

    def _conclude(self, result: _NativeResult) -> None:
        total = self._summary
        total.read_rows, total.read_bytes = result.storage_rows_read(), result.storage_bytes_read()
        total.written_rows, total.written_bytes = result.rows_written(), result.bytes_written()
        total.result_rows, total.result_bytes = result.rows_read(), result.bytes_read()
        total.elapsed_ns = int(result.elapsed() * 1e9)


class Engine:
    """The engine on a data directory: this process is its only owner until it ends."""

    def __init__(self, folder: Path) -> None:
        """Opens the directory, which may be new.

        Raises:
            ServerError: the engine cannot open it, such as when another process has it open.
        """
        self._path = f"{folder}?{_CONNECTION_SETTINGS}"
        # The module takes 0.7 s and half a gigabyte of address space: not for who only reads this one.
        self._connect = getattr(import_module("chdb"), "_chdb").connect  # noqa: B009 # its stub leaves connect out
        # Kept open: the engine stops when its last connection closes.
        self._root = self.connect()
        self.version = self._root.execute(b"SELECT version()").decode().strip()
        self.timezone = self._root.execute(b"SELECT serverTimezone()").decode().strip()
        types = self._root.execute(b"SELECT lower(name), content_type FROM system.formats FORMAT JSONCompact")
        self._content_types: dict[str, str] = dict(json.loads(types)["data"])

    def connect(self) -> Connection:
        """A new connection: in database ``default``, no setting changed."""
        with _engine_errors():
            return Connection(self._connect(self._path))

    def classify(self, text: bytes) -> Kind:
        """What a text would do; no statements at all if it does not parse."""
        return self._root.classify(text)

    def content_type(self, data_format: str) -> str:
        """The Content-Type of a format's result."""
        return self._content_types.get(data_format.lower(), "text/plain; charset=UTF-8")

    def kill(self, mark: str) -> None:
        """Asks the running statements whose text holds `mark` to stop; returns at once.

        Not by the query id: chdb gives its own and does not tell it.
        """
        connection = self.connect()
        try:
            # The statement's own text holds the parameter's name only, so it does not find itself.
            connection.execute(
                b"KILL QUERY WHERE position(query, {mark:String}) > 0 ASYNC", parameters={"mark": mark}
            )
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the root connection; the engine shuts down with the last one that is open."""
        self._root.close()
