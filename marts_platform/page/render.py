"""The page as a whole: sections by domain, each chart with its data as a table beneath."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marts_platform.masking import cleaned
from marts_platform.page import scales
from marts_platform.page.charts import Chart, Kind, charts_of, domains_with_charts
from marts_platform.page.queries import Absence, Answer, answer_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marts_platform.page.drawing import Drawing

# In the order of the page; other folders with charts follow.
_TITLES = {
    "ops": "Operations",
    "camunda": "Camunda",
    "bionicpro": "BionicPro",
    "chat": "Chat",
    "delivery": "Delivery",
    "shop": "Shop",
}
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Card:
    """A chart on the page."""

    chart: Chart
    answer: Answer
    drawing: Drawing | None = None

    @property
    def listed(self) -> Sequence[Sequence[Any]]:
        """The rows of the table."""
        return self.answer.rows[:_MOST_ROWS]


@dataclass(frozen=True, slots=True)
class Section:
    """A domain on the page."""

    domain: str
    title: str
    cards: Sequence[Card] = field(default=())

    @property
    def absence(self) -> Absence | None:
        """Why nothing of the domain can be shown, if it is so."""
        reasons = {card.answer.absence for card in self.cards}
        if None in reasons or Absence.FAILED in reasons:
            return None
        return min((reason for reason in reasons if reason is not None), default=None)

    @property
    def shown(self) -> int:
        """How many charts have data."""
        return sum(card.answer.absence is None for card in self.cards)


@dataclass(frozen=True, slots=True)
class Page:
    """What was written: the text, and what to say of it."""

    html: str
    sections: Sequence[Section]

    @property
    def failures(self) -> list[str]:
        """The charts that failed, with the reasons."""
        return [
            f"{card.chart.file}: {card.answer.reason}"
            for section in self.sections
            for card in section.cards
            if card.answer.absence is Absence.FAILED
        ]


def make_page(now: datetime) -> Page:
    """Asks every chart's query and puts the page together.

    Args:
        now: shown as the time of the page, and bound where a query takes it (aware).
    """
    domains = [domain for domain in _TITLES if charts_of(domain)]
    domains += [domain for domain in domains_with_charts() if domain not in _TITLES]
    sections = [
        Section(
            domain,
            _TITLES.get(domain, domain.capitalize()),
            [_card(chart, now) for chart in charts_of(domain)],
        )
        for domain in domains
    ]
    return Page(render(sections, now), sections)


def render(sections: Sequence[Section], now: datetime) -> str:
    """The page's text."""
    # Imported here: the code location makes pages only when it is asked to.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["written"] = scales.written
    templates.tests["numeric"] = _is_number
    return templates.get_template("page.html").render(sections=sections, now=now, Kind=Kind, Absence=Absence)


def _card(chart: Chart, now: datetime) -> Card:
    from marts_platform.page.drawing import draw

    answer = answer_to(chart, now)
    if answer.absence is not None or chart.kind in (Kind.TABLE, Kind.TILES):
        return Card(chart, answer)
    try:
        return Card(chart, answer, draw(chart, answer.rows))
    except (ValueError, TypeError, IndexError) as error:
        reason = f"its rows cannot be drawn as {chart.kind}: {cleaned(str(error))}"
        return Card(chart, Answer(answer.columns, answer.rows, Absence.FAILED, reason))


def _is_number(value: object) -> bool:
    return not isinstance(value, str | bool) and hasattr(value, "__float__")
