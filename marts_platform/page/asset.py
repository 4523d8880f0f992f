"""The page as an asset: written again whenever it is materialised, beside everything that it shows."""

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings

if TYPE_CHECKING:
    from marts_platform.page.render import Page

KEY = dg.AssetKey(["platform", "report"])


def default_file() -> Path:
    """Where the page is written unless another place is named."""
    return settings.home() / "report.html"


def write_page(file: Path) -> "Page":
    """Makes the page and writes it: aside, then renamed, so that whoever opens it sees all of one.

    Raises:
        OSError: the file cannot be written.
    """
    from marts_platform.page.render import make_page

    page = make_page(datetime.now(UTC))
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    # What marts hold is nobody else's business on the machine.
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(page.html)
    aside.replace(file)
    return page


def report_asset(shown: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset ``platform/report``.

    Args:
        shown: the assets whose tables the charts read.
    """

    @dg.asset(
        key=KEY,
        deps=list(shown),
        description="One page with the charts of every domain; it opens offline.",
        group_name="platform",
        kinds={"html"},
        owners=["team:data"],
    )
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        file = default_file()
        page = write_page(file)
        for failure in page.failures:
            context.log.warning(failure)
        lines = [f"- {found.title}: {found.shown} of {len(found.cards)} charts" for found in page.sections]
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(file)),
                "charts": dg.MetadataValue.md("\n".join(lines)),
                "bytes": len(page.html.encode()),
                "failed_charts": len(page.failures),
            }
        )

    return report


report_daily = dg.ScheduleDefinition(
    name="platform_report_daily",
    target=dg.AssetSelection.assets(KEY),
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    description="Writes the page anew every morning, after the nightly loads.",
)
