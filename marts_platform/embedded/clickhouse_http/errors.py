"""ClickHouse's errors as its HTTP interface answers them: a code, a text and an HTTP status."""

from __future__ import annotations

import re
from enum import IntEnum


class Code(IntEnum):
    """ClickHouse's error codes that are raised here or have an HTTP status of their own; the rest are 500.

    From its src/Common/ErrorCodes.cpp and src/Server/HTTP/exceptionCodeToHTTPStatus.cpp.
    """

    status: int

    def __new__(cls, number: int, status: int = 500) -> Code:
        """A member, from its number and status."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.status = status
        return code

    CANNOT_PARSE_TEXT = 6, 400
    THERE_IS_NO_COLUMN = 8, 400
    DUPLICATE_COLUMN = 15, 400
    CANNOT_PARSE_ESCAPE_SEQUENCE = 25, 400
    CANNOT_PARSE_QUOTED_STRING = 26, 400
    CANNOT_PARSE_INPUT_ASSERTION_FAILED = 27, 400
    BAD_ARGUMENTS = 36, 400
    UNKNOWN_ELEMENT_IN_AST = 37, 400
    CANNOT_PARSE_DATE = 38, 400
    CANNOT_PARSE_DATETIME = 41, 400
    ILLEGAL_COLUMN = 44, 400
    UNKNOWN_FUNCTION = 46, 404
    UNKNOWN_IDENTIFIER = 47, 404
    NOT_IMPLEMENTED = 48, 501
    UNKNOWN_TYPE = 50, 404
    TYPE_MISMATCH = 53, 400
    UNKNOWN_STORAGE = 56, 404
    UNKNOWN_TABLE = 60, 404
    SYNTAX_ERROR = 62, 400
    UNKNOWN_AGGREGATE_FUNCTION = 63, 404
    CANNOT_PARSE_NUMBER = 72, 400
    UNKNOWN_FORMAT = 73, 404
    CANNOT_OPEN_FILE = 76, 503
    UNKNOWN_TYPE_OF_QUERY = 78, 404
    UNKNOWN_DATABASE = 81, 404
    UNKNOWN_COMPRESSION_METHOD = 89
    UNKNOWN_SETTING = 115, 404
    INCORRECT_DATA = 117, 400
    UNKNOWN_TYPE_OF_AST_NODE = 123, 400
    UNKNOWN_DIRECTION_OF_SORTING = 152, 404
    TIMEOUT_EXCEEDED = 159, 408
    READONLY = 164
    TOO_DEEP_AST = 167, 400
    TOO_BIG_AST = 168, 400
    UNKNOWN_USER = 192, 403
    WRONG_PASSWORD = 193, 403
    REQUIRED_PASSWORD = 194, 401
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    SOCKET_TIMEOUT = 209, 503
    UNEXPECTED_AST_STRUCTURE = 223, 400
    QUERY_IS_TOO_LARGE = 229, 413
    CANNOT_DECOMPRESS = 271
    VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE = 321, 400
    UNKNOWN_DATABASE_ENGINE = 336, 404
    INTO_OUTFILE_NOT_ALLOWED = 358
    SESSION_NOT_FOUND = 372
    SESSION_IS_LOCKED = 373
    INVALID_SESSION_TIMEOUT = 374
    CANNOT_PARSE_UUID = 376, 400
    HTTP_LENGTH_REQUIRED = 381, 411
    CANNOT_COMPILE_REGEXP = 427, 400
    CANNOT_SCHEDULE_TASK = 439, 503
    CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING = 441, 400
    ACCESS_DENIED = 497, 403
    UNKNOWN_ROLE = 511, 404
    SET_NON_GRANTED_ROLE = 512, 403
    AUTHENTICATION_FAILED = 516, 403
    CANNOT_PARSE_IPV4 = 675, 400
    CANNOT_PARSE_IPV6 = 676, 400
    UNSUPPORTED_MEDIA_TYPE = 779, 415
    UNKNOWN_EXCEPTION = 1002


_STATUS: dict[int, int] = {int(code): code.status for code in Code}
# chdb is ClickHouse's client and server in one, and the one wraps what the other says:
# "Code: 27. DB::Exception: Code: 27. DB::Exception: … (NAME) (version 26.9.2.1). (NAME)".
_WRAPPED = re.compile(r"(?:Code: (\d+)\. DB::Exception: )+")
_NAMED_TWICE = re.compile(r"(\((\w+)\) \(version [^)]*\))\. \(\2\)$")
# How the rows got in, which is not what the client did.
_PIPE = re.compile(
    r": \(in file/uri /dev/fd/\d+\)|: While executing File: data for INSERT was parsed from file"
)


class ServerError(Exception):
    """An error of ClickHouse's kind, to be answered to the client.

    Attributes:
        code: ClickHouse's number of it.
        text: ``Code: N. DB::Exception: … (NAME)``; a version may follow.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status that a real server gives this code."""
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> bytes:
        """The text to send; `version` is the engine's, which some of its messages bring along."""
        text = self.text.rstrip()
        if "(version " not in text[-60:]:
            text += f" (version {version})"
        return text.encode() + b"\n"


class ClientGoneError(Exception):
    """The client closed its connection, or stalled for too long: nobody is left to answer."""


def raised_here(code: Code, message: str) -> ServerError:
    """An error that this server finds by itself, in the words and the form of the engine's."""
    return ServerError(code, f"Code: {int(code)}. DB::Exception: {message} ({code.name})")


def from_engine(error: RuntimeError | UnicodeDecodeError) -> ServerError:
    """The engine's error.

    Args:
        error: what chdb raised; a UnicodeDecodeError where its message quotes bytes that are no text.
    """
    text = error.object.decode(errors="replace") if isinstance(error, UnicodeDecodeError) else str(error)
    found = _WRAPPED.search(text)
    if found is None:
        return ServerError(Code.UNKNOWN_EXCEPTION, text)
    message = _PIPE.sub("", _NAMED_TWICE.sub(r"\1", text[found.end() :]))
    return ServerError(int(found[1]), f"Code: {found[1]}. DB::Exception: {message}")
