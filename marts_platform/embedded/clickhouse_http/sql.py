"""As much of ClickHouse's SQL as the server has to see: where an INSERT's rows begin, and a query's FORMAT.

Nothing here parses: the engine does, and refuses what is wrong. Texts are bytes, since a statement may carry
some that are no UTF-8. The grammar: ClickHouse, src/Parsers/Lexer.cpp, ParserInsertQuery.cpp and
ParserQueryWithOutput.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from marts_platform.embedded.clickhouse_http.errors import Code, raised_here

_TOKEN = re.compile(
    rb"""
      (?P<blank> \s+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.)*+' | "(?:[^"\\]|\\.)*+" | `(?:[^`\\]|\\.)*+`
                | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<numbers> \d[\w.]* (?: \s*,\s* \d[\w.]* )* )  # at once: a list of them may be long
    | (?P<mark> . )
    """,
    re.DOTALL | re.VERBOSE,
)
# The parser skips these between the format's name and the data; then one line break, if there is one.
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
# Alone, each of these is the beginning of a quoted text or a comment whose end has not arrived yet.
_OPENERS = (b"'", b'"', b"`", b"$", b"/")
_BEFORE_NAME = (b"INTO", b"TABLE", b"FUNCTION")


class Token(NamedTuple):
    """A token at a place in the text; `word` is its upper-case text if it is a bare word, else empty."""

    text: bytes
    word: bytes
    start: int
    end: int
    depth: int


def tokens(text: bytes) -> Iterator[Token]:
    """The tokens of a statement without blanks and comments; depth counts the brackets around each."""
    depth = 0
    for found in _TOKEN.finditer(text):
        if found["blank"] is not None:
            continue
        piece = found[0]
        if piece in (b")", b"]", b"}"):
            depth -= 1
        word = piece.upper() if found["word"] is not None else b""
        yield Token(piece, word, found.start(), found.end(), depth)
        if piece in (b"(", b"[", b"{"):
            depth += 1


def first_word(text: bytes) -> bytes:
    """The first word of a statement in upper case, past brackets; empty if it begins with none."""
    return next((token.word for token in tokens(text) if token.text != b"("), b"")


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows follow it.

    Attributes:
        target: what stands before its SETTINGS and FORMAT.
        settings: its SETTINGS clause; empty if it has none.
        format: the format of the rows.
        data: where they begin in the text.
    """

    target: bytes
    settings: bytes
    format: str
    data: int

    def from_file(self, path: str, compression: str) -> bytes:
        """The statement, made to read its rows from a compressed file."""
        infile = f"\nFROM INFILE '{path}' COMPRESSION '{compression}'\n".encode()
        return self.target + infile + self.settings + f"\nFORMAT {self.format}".encode()


class IncompleteError(Exception):
    """The text ends before it tells whether rows follow; more of the body is needed."""


def insert_with_data(text: bytes, *, whole: bool) -> Insert | None:
    """Splits an INSERT from the rows after it.

    Args:
        text: the beginning of a request's text.
        whole: whether nothing follows `text`.

    Returns:
        None for anything else: another statement, an INSERT … SELECT, an INSERT the engine shall refuse.

    Raises:
        IncompleteError: `text` does not tell yet.
        ServerError: INSERT … FROM INFILE, which a server does not take.
    """
    before = Token(b"", b"", 0, 0, 0)
    settings: int | None = None
    for token in tokens(text):
        if not whole and (token.end == len(text) or token.text in _OPENERS):
            raise IncompleteError
        if not before.text and token.word != b"INSERT":
            return None
        if before.word == b"FORMAT" and before.depth == 0 and token.word:
            return _insert(text, settings, before.start, token.text, _data_after(text, token.end, whole))
        if before.word == b"FROM" and token.word == b"INFILE":
            message = "Query has infile and was send directly to server."
            raise raised_here(Code.UNKNOWN_TYPE_OF_QUERY, message)
        if token.word not in _BEFORE_NAME and (before.word in _BEFORE_NAME or before.text == b"."):
            token = token._replace(word=b"")  # a table may be called VALUES
        if token.word == b"VALUES" and token.depth == 0:
            return _insert(text, settings, token.start, b"Values", token.end)
        if token.word == b"SETTINGS" and token.depth == 0 and settings is None:
            settings = token.start
        if token.word in (b"SELECT", b"WITH", b"WATCH") and (token.depth == 0 or before.text == b"("):
            return None
        before = token
    if not whole:
        raise IncompleteError
    return None


def _insert(text: bytes, settings: int | None, end: int, data_format: bytes, data: int) -> Insert:
    middle = end if settings is None else settings
    return Insert(text[:middle], text[middle:end], data_format.decode(), data)


def _data_after(text: bytes, place: int, whole: bool) -> int:
    found = _BEFORE_DATA.match(text, place)
    data = found.end() if found else place
    if not whole and data == len(text) and not text.endswith(b"\n"):
        raise IncompleteError
    return data


@dataclass(frozen=True)
class Output:
    """Where a statement says how its result looks.

    Attributes:
        text: the statement.
        format: its FORMAT; None if it names none.
        clause: where its FORMAT clause begins, or would.
        end: where it ends, without semicolons and comments.
    """

    text: bytes
    format: str | None
    clause: int
    end: int

    def into(self, path: str, default_format: str, mark: str) -> bytes:
        """The statement, made to append its result to a file, in its own format or else the default one.

        Args:
            path: of the file.
            default_format: if the statement names none.
            mark: a word to know the running statement by, put into its text as a comment.
        """
        outfile = f"\nINTO OUTFILE '{path}' APPEND /* {mark} */\n".encode()
        rest = self.text[self.clause : self.end] or f"FORMAT {default_format}".encode()
        return self.text[: self.clause] + outfile + rest


def output(text: bytes) -> Output:
    """Finds the FORMAT clause of one statement, or its place.

    Raises:
        ServerError: the query has an INTO OUTFILE of its own, which a server does not take.
    """
    outer = [token for token in tokens(text) if token.depth == 0]
    while outer and outer[-1].text == b";":
        outer.pop()
    for before, token in zip(outer, outer[1:], strict=False):
        if before.word == b"INTO" and token.word == b"OUTFILE":
            raise raised_here(Code.INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed.")
    end = outer[-1].end if outer else len(text)
    index = _format_clause(outer)
    if index is None:
        return Output(text, None, end, end)
    return Output(text, outer[index + 1].text.decode(), outer[index].start, end)


def _format_clause(outer: list[Token]) -> int | None:
    """Where FORMAT stands that ends the query, alone or before SETTINGS; a column may have that name too."""
    for index in range(len(outer) - 2, 0, -1):
        follows = outer[index + 2].word if index + 2 < len(outer) else b"SETTINGS"
        if (
            outer[index].word == b"FORMAT"
            and outer[index + 1].word
            and follows == b"SETTINGS"
            and outer[index - 1].text not in (b",", b".")
            and outer[index - 1].word != b"SELECT"
        ):
            return index
    return None
