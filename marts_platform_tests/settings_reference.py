"""``docs/settings.md``, made of the settings. To renew: python -m marts_platform_tests.settings_reference."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import PydanticUndefined

from marts_platform import settings
from marts_platform.console import shown

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
_HEAD = """\
# Settings

Each is an environment variable. What is not set there comes from the embedded stack (`marts up`), then
from the default.
`marts status` shows them with their values in force, secrets masked.

Each address is checked when the settings load: the scheme, the host, the port, escapes and the driver's
parameters. A refusal names the variable, never the value. In a user or password, `@`, `/`, `?`, `#` and `%`
are encoded (`%40`, `%2F`, `%3F`, `%23`, `%25`). Postgres is written `postgresql://`, MySQL `mysql://`;
SQLAlchemy's forms (`postgresql+psycopg2://`), JDBC's and libpq's keywords (`host=… password=…`) are refused.

| variable | what it is | default |
|---|---|---|
| `MARTS_HOME` | Where the local state lives. | `.marts` |
"""


def reference() -> str:
    """The document's text."""
    rows: list[str] = []
    for name, field in settings.Settings.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined) else f"`{shown(field.default)}`"
        description = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{settings.variable(name)}` | {description} | {default or '(none)'} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    DOCUMENT.write_text(reference(), "utf-8")
