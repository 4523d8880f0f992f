"""Which engine an SQL file is for: the nearest ``.sqlfluff`` says it, to the linter and to the tests."""

from __future__ import annotations

from configparser import ConfigParser
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"


@cache
def dialect_of(folder: Path) -> str:
    """The dialect of the files in a folder."""
    config = ConfigParser(interpolation=None, strict=False)
    config.read(folder / ".sqlfluff", "utf-8")
    found = config.get("sqlfluff", "dialect", fallback="")
    return found or dialect_of(folder.parent)


def files_of(dialect: str) -> list[str]:
    """The files of an engine, below ``sql/``, but for the page's charts, which have their own test."""
    return sorted(
        str(path.relative_to(SQL))
        for path in SQL.rglob("*.sql")
        if dialect_of(path.parent) == dialect and path.parent.name != "charts"
    )
