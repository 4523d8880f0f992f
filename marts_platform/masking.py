"""The last filter in front of every sink: terminal, logs, run log, Dagster's events and ticks, alerts.

A text leaves without configured secrets, without ``://user:password@`` and without values of rows.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import traceback
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from urllib.parse import quote, quote_plus, unquote

from marts_platform import settings
from marts_platform.row_values import without_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

T = TypeVar("T")
P = ParamSpec("P")

MASK = "****"
# A shorter text is in half of all words.
SHORTEST_SECRET = 4
_SECRET_NAME = (
    r"[\w.-]*(?:password|passwd|pwd|passphrase|secret|token|api[_.-]?key|private[_.-]?key|jaas[.]config)"
)
# "://user:password@" itself is what messages ask people to write.
_USER = r"(://(?!user:password@)[^\s/@:'\"]*)"
_PATTERNS = (
    # A token of text up to its last @; or, unless a port follows the colon, up to the next @ of the line.
    (re.compile(rf"{_USER}:[^\s'\"]*@"), rf"\1:{MASK}@"),
    (re.compile(rf"{_USER}:\S*?@"), rf"\1:{MASK}@"),
    (re.compile(rf"{_USER}:(?!\d{{1,5}}(?!\w))(?!\*{{4}}@)[^\n]{{0,200}}?@"), rf"\1:{MASK}@"),
    (
        re.compile(
            rf"(?i)\b({_SECRET_NAME}\s*=\s*)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s&;,)}}\]'\"]+)"
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(rf"(?i)(['\"]{_SECRET_NAME}['\"]\s*:\s*b?)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"),
        rf"\1'{MASK}'",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{8,}=*"), rf"\1 {MASK}"),
)


def masked(text: str) -> str:
    """Return a text without secrets of the settings in force."""
    return mask(text, secrets_in_force())


def cleaned(text: str) -> str:
    """Return an error's text without secrets and without values of rows."""
    return masked(without_values(text))


def secrets_in_force() -> frozenset[str]:
    """Return the secrets of the settings in force, whether or not the settings can be read."""
    return secrets_of(frozenset(settings.secret_texts()))


@lru_cache(maxsize=8)
def secrets_of(values: frozenset[tuple[str, str]]) -> frozenset[str]:
    """Return the secrets within values of settings, by their fields' names."""
    return frozenset(
        found for name, value in values for found in _within(name, value) if len(found) >= SHORTEST_SECRET
    )


def _within(name: str, value: str) -> Iterator[str]:
    address = value.partition("://")[2]
    if name.endswith("_options"):
        pairs = [option.partition("=") for option in value.split()]
        yield from (text for key, _, text in pairs if re.fullmatch(_SECRET_NAME, key, re.I))
        return
    if not name.endswith("_url"):
        yield value
        return
    if name == "alert_webhook_url":
        yield address.partition("/")[2]
    user, colon, password = (address or value).rpartition("@")[0].partition(":")
    if colon:
        yield password
        yield base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    yield from (
        found.group(1).strip("'\"") for found in re.finditer(rf"(?i)\b{_SECRET_NAME}\s*=([^&\s]+)", value)
    )


def mask(text: str, secrets: Collection[str]) -> str:
    """Return a text in which no secret is left, however it is encoded.

    Args:
        text: a message, a traceback, a JSON document.
        secrets: each as it stands in a setting; shorter ones than `SHORTEST_SECRET` are masked in URLs only.
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    pattern = _pattern_of(frozenset(secrets))
    # A mask beside other letters can make up a secret that has the mask's character.
    while pattern is not None and pattern.search(text):
        text = pattern.sub(MASK, text)
    return text


@lru_cache(maxsize=8)
def _pattern_of(secrets: frozenset[str]) -> re.Pattern[str] | None:
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    usable = [one for one in spellings if len(one) >= SHORTEST_SECRET and one.strip("*")]
    longest_first = sorted(usable, key=lambda one: (-len(one), one))
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _spellings(secret: str) -> set[str]:
    """Return the forms in which messages show a secret: decoded, percent-encoded, escaped, quoted."""
    plain = {secret, unquote(secret)}
    encoded = {form for one in plain for form in _percent_encoded(one)}
    once = plain | encoded | {form for one in plain for form in _escaped(one)}
    return once | {form for one in once for form in _escaped(one)}


def _percent_encoded(text: str) -> Iterator[str]:
    for form in (quote(text, safe=""), quote(text), quote(text, safe=" +"), quote_plus(text)):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), form)


def _escaped(text: str) -> Iterator[str]:
    yield from (repr(text)[1:-1], repr(text + "'\"")[1:-4], repr(text.encode("utf-8", "replace"))[2:-1])
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (html.escape(text), html.escape(text, quote=False), ascii(text)[1:-1])
    yield from (text.replace("'", "''"), text.replace("'", "\\'"), text.replace("\\", "\\\\"))
    yield text.replace("\\", "\\\\").replace("'", "\\'")


def cleaned_error(error: Exception) -> Exception:
    """Return an exception, itself if its chain shows nothing to hide, else a copy with clean texts."""
    chain = list(_chain(error))
    if all(cleaned(text) == text for one in chain for text in _texts_of(one)):
        return error
    copies: Mapping[int, Exception] = {id(one): _copy_of(one) for one in chain}
    for one in chain:
        copy = copies[id(one)]
        copy.__cause__ = copies.get(id(one.__cause__))
        copy.__context__ = copies.get(id(one.__context__))
        copy.__suppress_context__ = one.__suppress_context__
    return copies[id(error)]


def raising_cleaned(steps: Iterator[T], allowed: tuple[type[Exception], ...] = ()) -> Iterator[T]:
    """Yield from an iterator; its errors are raised as `cleaned_error` returns them, without the original.

    Args:
        steps: the iterator.
        allowed: errors that pass as they are.
    """
    fault: Exception | None = None
    try:
        yield from steps
    except allowed:
        raise
    except Exception as error:  # noqa: BLE001 # raised below, without this one as its context
        fault = cleaned_error(error)
    if fault is not None:
        raise fault


def raises_cleaned(function: Callable[P, T]) -> Callable[P, T]:
    """Wrap a function of Dagster's, so that its errors are raised as `cleaned_error` returns them."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 # raised below, without this one as its context
            fault = cleaned_error(error)
        raise fault

    return wrapped


def clean_logs() -> None:
    """Put the filter in front of every handler of Python's logging in this process; idempotent."""
    make = logging.getLogRecordFactory()
    if getattr(make, "is_clean", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _clean_record(make(*args, **kwargs))

    factory.is_clean = True  # pyright: ignore[reportFunctionMemberAccess]
    logging.setLogRecordFactory(factory)


def _clean_record(record: logging.LogRecord) -> logging.LogRecord:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # the handler reports a message that does not fit its values
        return record
    if (text := cleaned(message)) != message:
        record.msg, record.args = text, ()
    if record.exc_info and (error := record.exc_info[1]) is not None and isinstance(error, Exception):
        clean = cleaned_error(error)
        record.exc_info = (type(clean), clean, clean.__traceback__)
    return record


class CleanedError(Exception):
    """A copy of an error whose texts showed a secret or a value of a row."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error with all of its causes and contexts, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]


def _texts_of(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error.args), *notes_of(error))


def _copy_of(error: BaseException) -> Exception:
    kind = type(error)
    made = type(kind.__name__, (CleanedError,), {"__module__": kind.__module__})
    copy = cast("Exception", made(cleaned(str(error))))
    for note in notes_of(error):
        copy.add_note(cleaned(note))
    return copy.with_traceback(error.__traceback__)


def error_text(error: BaseException) -> str:
    """Return an error's type, message and notes in clean lines."""
    return cleaned("\n".join((f"{type(error).__name__}: {error}", *notes_of(error))))


def shown_traceback(error: Exception) -> str:
    """Return an error's traceback for a terminal."""
    return masked("".join(traceback.format_exception(cleaned_error(error))))


def notes_of(error: BaseException) -> Iterable[str]:
    """Return the notes of an error."""
    return [str(note) for note in getattr(error, "__notes__", ())]
