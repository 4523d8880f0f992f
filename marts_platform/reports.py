"""Named queries: ``marts report``. Each is a file ``sql/<domain>/report/<name>.sql``.

The comment at its head says what it is::

    -- What the result shows, in a sentence or more.
    -- @engine clickhouse
    -- @param user_id: whose reports
    -- @param since = today-30: the first day

The engine is clickhouse, postgres or mysql, and the values are bound in that engine's own form,
``{user_id:UInt32}`` or ``%(user_id)s``. A parameter without a default has to be given. ``today``,
``today-30`` and ``today+1`` are days, in UTC, as a default and on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from marts_platform.console import result_table, screen
from marts_platform.core import sql
from marts_platform.names import nearest
from marts_platform.resources import queries
from marts_platform.settings import ExpectedError

_PARAMETER = re.compile(r"(?P<name>[a-z_]\w*)(?:\s*=\s*(?P<default>\S+?))?\s*:\s*(?P<description>.+)")
_DAY = re.compile(r"today(?:(?P<days>[+-]\d+))?")
_INTEGER = re.compile(r"-?\d+")
_ENGINES = ("clickhouse", "postgres", "mysql")


class ReportError(ExpectedError):
    """A report is not there, cannot be read, or lacks a value; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a report takes; `default` is None where it has to be given."""

    name: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Report:
    """A named query of a domain."""

    domain: str
    name: str
    description: str
    engine: str
    parameters: Sequence[Parameter]

    @property
    def file(self) -> str:
        """The SQL file."""
        return f"{self.domain}/report/{self.name}.sql"


def parse_report(domain: str, name: str, text: str) -> Report:
    """Reads the comment at the head of a report's file.

    Raises:
        ReportError: it does not say what the module's docstring asks for.
    """
    description: list[str] = []
    parameters: list[Parameter] = []
    engine = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        said = line.removeprefix("--").strip()
        if said.startswith("@engine"):
            engine = said.removeprefix("@engine").strip()
        elif said.startswith("@param"):
            found = _PARAMETER.fullmatch(said.removeprefix("@param").strip())
            if found is None:
                raise ReportError(f"{domain}/{name}: {said!r} is not `@param name = default: what it is`")
            parameters.append(Parameter(found["name"], found["default"], found["description"]))
        else:
            description.append(said)
    if engine not in _ENGINES:
        raise ReportError(f"{domain}/{name}: `@engine` has to be one of {', '.join(_ENGINES)}")
    if not description:
        raise ReportError(f"{domain}/{name}: the comment at its head does not say what it shows")
    return Report(domain, name, " ".join(description), engine, tuple(parameters))


def reports_of(domain: str) -> list[Report]:
    """The reports of a domain, by name.

    Raises:
        ReportError: there are none.
    """
    files = sorted(sql.sql_root().glob(f"{domain}/report/*.sql")) if domain.isidentifier() else []
    if not files:
        domains = sorted({path.parts[-3] for path in sql.sql_root().glob("*/report/*.sql")})
        near = nearest(domain, domains)
        raise ReportError(f"{domain!r} has no reports{near}; these domains have some: {', '.join(domains)}")
    return [parse_report(domain, path.stem, path.read_text("utf-8")) for path in files]


def values_of(report: Report, given: Sequence[str], today: date) -> dict[str, str]:
    """The values that a report is run with.

    Args:
        report: what is run.
        given: ``name=value`` each.
        today: what ``today`` stands for.

    Raises:
        ReportError: one is unknown, given twice, missing, or no ``name=value``.
    """
    known = [parameter.name for parameter in report.parameters]
    values: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or name not in known or name in values:
            reason = "is given twice" if name in values else "is not name=value of one that it takes"
            takes = ", ".join(known) or "none"
            raise ReportError(f"{report.domain} {report.name}: {item!r} {reason}; parameters: {takes}")
        values[name] = value
    for parameter in report.parameters:
        if parameter.name not in values:
            if parameter.default is None:
                needed = f"--param {parameter.name}=… ({parameter.description})"
                raise ReportError(f"{report.domain} {report.name} needs {needed}")
            values[parameter.name] = parameter.default
    return {name: _day(value, today) for name, value in values.items()}


def _day(value: str, today: date) -> str:
    found = _DAY.fullmatch(value)
    return value if found is None else (today + timedelta(days=int(found["days"] or 0))).isoformat()


def show(domain: str, name: str | None, given: Sequence[str]) -> None:
    """Lists a domain's reports, or runs one and shows its result.

    Raises:
        ReportError: there is no such report, or a value is wrong.
        SettingsError: its engine is not set.
    """
    found = {report.name: report for report in reports_of(domain)}
    if name is None:
        _list(found.values())
        return
    if name not in found:
        near = nearest(name, found)
        raise ReportError(f"{domain} has no report {name!r}{near}; there are: {', '.join(found)}")
    report = found[name]
    values = values_of(report, given, datetime.now(UTC).date())
    purpose = f"report {domain} {name}"
    try:
        columns, rows = queries.run(report.engine, report.file, _bound(report, values), purpose)
    except queries.QueryFailedError as error:
        raise ReportError(f"{domain} {name}: {error}") from None
    screen(is_masked=False).print(result_table(columns, rows))
    screen().print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")


def write_page(out: Path | None) -> None:
    """Writes the page with the charts of every domain, and says where.

    Args:
        out: the file; None for the usual one.

    Raises:
        ReportError: it cannot be written.
    """
    from marts_platform.page import asset

    file = out or asset.default_file()
    try:
        page = asset.write_page(file)
    except OSError as error:
        raise ReportError(f"{file} cannot be written: {error.strerror}") from None
    for failure in page.failures:
        screen().print(f"A chart failed: {failure}", style="yellow", soft_wrap=True)
    print(f"The page with charts is {file.absolute().as_uri()}")


def _list(reports: Iterable[Report]) -> None:
    for report in reports:
        screen().print(f"marts report {report.domain} {report.name}", style="bold", soft_wrap=True)
        screen().print(f"  {report.description}", soft_wrap=True)
        for parameter in report.parameters:
            default = "" if parameter.default is None else f"={parameter.default}"
            screen().print(
                f"  --param {parameter.name}{default}  {parameter.description}", style="dim", soft_wrap=True
            )


def _bound(report: Report, values: Mapping[str, str]) -> Mapping[str, object]:
    """The values as the report's engine takes them: MySQL's LIMIT takes a number and no text."""
    if report.engine != "mysql":
        return values
    return {name: int(value) if _INTEGER.fullmatch(value) else value for name, value in values.items()}
