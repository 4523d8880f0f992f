"""Running a statement: in a thread of its own, from the request's body to the pipe of its result."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain

from marts_platform.core.clickhouse import quoted
from marts_platform.embedded.clickhouse_http import compression, sql
from marts_platform.embedded.clickhouse_http.body import Part, parts
from marts_platform.embedded.clickhouse_http.engine import Connection, Engine, Summary
from marts_platform.embedded.clickhouse_http.errors import Code, raised_here
from marts_platform.embedded.clickhouse_http.inserts import Inserts
from marts_platform.embedded.clickhouse_http.pipes import write_all
from marts_platform.embedded.clickhouse_http.request import Request
from marts_platform.embedded.clickhouse_http.sessions import Sessions

MAX_STATEMENTS = 100  # at a time, of all clients; a server's max_concurrent_queries

# Their results may be of any size. Everything else answers with a few rows, which pass through memory.
_STREAMED = (b"SELECT", b"WITH", b"FROM")
# A GET only reads, but it may change its own session: a server runs it with readonly = 2.
_ALLOWED_IN_GET = (b"SET", b"USE")


@dataclass
class Answer:
    """What is known of an answer so far; the thread that runs the statement fills it.

    Attributes:
        format: the format of the result; None as long as there is none.
        mark: stands in the text of the running statement and in no other's; empty if it must not be killed.
        summary: what the statement has cost.
    """

    format: str | None = None
    mark: str = ""
    summary: Summary = field(default_factory=Summary)


@dataclass(frozen=True)
class _Table:
    """External data: a temporary table for one query."""

    name: str
    structure: str
    format: str
    rows: bytes


class Statements:
    """Runs the statements of all requests."""

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions
        self._inserts = Inserts(MAX_STATEMENTS)

    def run(self, request: Request, body: Iterable[bytes], answer: Answer, pipe: int) -> None:
        """Runs a request's statement to its end.

        Args:
            request: the statement's surroundings, and the statement or its beginning.
            body: the request's body.
            answer: filled before the result begins, and again at the end.
            pipe: where the result is written; closed at the end, however it comes.

        Raises:
            ServerError: the statement fails.
            ClientGoneError: the client left in the middle of its body.
        """
        try:
            chunks = compression.decoded(iter(body), request.encoding)
            if request.native_encoding:
                chunks = compression.native_decoded(chunks)
            tables: list[_Table] = []
            if request.boundary is not None:
                request, tables = _form(request, parts(b"".join(chunks), request.boundary))
                chunks = iter(())
            text, insert, rows = _text(request.query, chunks)
            if insert is not None:
                self._insert(request, insert, rows, answer)
            else:
                self._query(request, text, tables, answer, pipe)
        finally:
            os.close(pipe)

    def _insert(self, request: Request, insert: sql.Insert, rows: Iterator[bytes], answer: Answer) -> None:
        if request.method == "GET":
            raise _readonly()
        with self._sessions.connection(request, changes=False) as connection:
            self._inserts.run(connection, insert, rows, request.parameters, answer.summary)

    def _query(self, request: Request, text: bytes, tables: list[_Table], answer: Answer, pipe: int) -> None:
        kind = self._engine.classify(text)
        word = sql.first_word(text)
        if not word:
            raise raised_here(Code.SYNTAX_ERROR, "Syntax error: Empty query.")
        if kind.statements > 1:
            raise raised_here(Code.SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed).")
        output = sql.output(text)
        if (
            request.method == "GET"
            and kind.statements
            and not kind.reads_only
            and word not in _ALLOWED_IN_GET
        ):
            raise _readonly()
        name = output.format or request.default_format
        with (
            self._sessions.connection(
                request, changes=kind.changes_session, uses_database=word == b"USE"
            ) as connection,
            self._external(connection, tables),
        ):
            if kind.statements and word in _STREAMED:
                # Not the pipe's number: the next statement has it as soon as this one has ended, and would be
                # killed in its place.
                answer.format, answer.mark = name, secrets.token_hex(16)
                text = output.into(f"/dev/fd/{pipe}", name, answer.mark)
            result = connection.execute(text, name, request.parameters, answer.summary)
        if result:
            answer.format = name
            write_all(pipe, result)

    @contextmanager
    def _external(self, connection: Connection, tables: list[_Table]) -> Generator[None]:
        """Temporary tables for one query; dropped after it, since a session's connection stays."""
        with ExitStack() as drops:
            for table in tables:
                name = quoted(table.name)
                connection.execute(f"CREATE TEMPORARY TABLE {name} ({table.structure})".encode())
                drops.callback(connection.execute, f"DROP TEMPORARY TABLE {name}".encode())
                insert = sql.Insert(f"INSERT INTO {name}".encode(), b"", table.format, 0)
                self._inserts.run(connection, insert, iter([table.rows]), {}, Summary())
            yield


def _text(query: bytes, chunks: Iterator[bytes]) -> tuple[bytes, sql.Insert | None, Iterator[bytes]]:
    """A request's text: an INSERT and its rows, or else a whole statement."""
    text = query + b"\n" if query else b""
    for chunk in chain([b""], chunks):
        text += chunk
        if not text:
            continue
        try:
            insert = sql.insert_with_data(text, whole=False)
        except sql.IncompleteError:
            continue
        if insert is None:
            return text + b"".join(chunks), None, iter(())
        return text, insert, chain([text[insert.data :]], chunks)
    insert = sql.insert_with_data(text, whole=True)
    return text, insert, iter([text[insert.data :]] if insert else [])


def _form(request: Request, form: list[Part]) -> tuple[Request, list[_Table]]:
    """A request whose statement, parameters or external data came as a form."""
    values = {part.name: part.content for part in form if not part.is_file}
    given = {
        name.removeprefix("param_"): value.decode("utf-8", "replace")
        for name, value in values.items()
        if name.startswith("param_")
    }
    tables = [_table(request, part) for part in form if part.is_file]
    query = values.get("query", request.query)
    return replace(request, query=query, parameters={**request.parameters, **given}), tables


def _table(request: Request, part: Part) -> _Table:
    structure = request.fields.get(f"{part.name}_structure")
    types = request.fields.get(f"{part.name}_types")
    data_format = request.fields.get(f"{part.name}_format", "TabSeparated")
    if structure is None and types is not None:
        structure = ", ".join(f"_{number} {name}" for number, name in enumerate(types.split(","), 1))
    if structure is None or not re.fullmatch(r"\w+", data_format, re.ASCII):
        raise raised_here(
            Code.BAD_ARGUMENTS,
            f"The external table {part.name} needs {part.name}_structure or {part.name}_types.",
        )
    return _Table(part.name, structure, data_format, part.content)


def _readonly() -> Exception:
    return raised_here(
        Code.READONLY,
        "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
        "You should use method POST for modifying queries.",
    )
