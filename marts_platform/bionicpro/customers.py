"""What the CRM tells of a customer: read record by record, then typed as one DataFrame."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

import dagster as dg
from dagster_shared.utils.warnings import BetaWarning
from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StrictStr, ValidationError

from marts_platform import settings
from marts_platform.core.imports import whole
from marts_platform.core.path import Rejected

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID = re.compile(r"0|[1-9][0-9]{0,9}")
# What ClickHouse's Date holds, which the report's order_date is: anything else would become a day of 1970.
FIRST_DATE, LAST_DATE = date(1970, 1, 1), date(2149, 6, 6)
LARGEST_USER = 2**32 - 1
# Of what is wrong with records, a message names so many different reasons.
_SHOWN_REASONS = 3


class NoCustomersError(settings.ExpectedError):
    """A CRM answered records, and each of them was rejected."""


class SnapshotError(Exception):
    """A snapshot is not of the types that it is declared with."""


def _date(value: object) -> object:
    if value is None:
        return None
    # Python's and pydantic's own readers take numbers for moments, and several forms of text.
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("is not a date such as 2024-01-15")
    day = date.fromisoformat(value)
    if not FIRST_DATE <= day <= LAST_DATE:
        raise ValueError(f"is not from {FIRST_DATE} to {LAST_DATE}, which a report can hold")
    return day


def _text(value: object) -> object:
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("is no text: it has half of a surrogate pair")
    return value


def _id(value: object) -> object:
    # As many JSON writers send whole numbers; "042" and "4.2e1" are other texts than the id's.
    return int(value) if isinstance(value, str) and _ID.fullmatch(value) else value


Text = Annotated[StrictStr | None, BeforeValidator(_text)]


class Customer(BaseModel):
    """A customer. What the CRM does not say is None; names that it says beside these are passed over."""

    user_id: Annotated[StrictInt, Field(ge=0, le=LARGEST_USER), BeforeValidator(_id)]
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    prosthesis_id: Text = None
    order_date: Annotated[date | None, BeforeValidator(_date)] = None
    status: Text = None


@dataclass(frozen=True, slots=True)
class Validated:
    """The customers of a snapshot, and what is wrong with other records or with values of theirs."""

    customers: Sequence[Customer]
    rejected: Sequence[Rejected]


def validated(records: Sequence[Any]) -> Validated:
    """Read each record by itself: a bad one costs no other, and a bad value costs its record nothing else."""
    customers: list[Customer] = []
    rejected: list[Rejected] = []
    for number, record in enumerate(records, start=1):
        try:
            customers.append(Customer.model_validate(record))
        except ValidationError as error:
            found = _without_faults(record, error)
            customers += [found] if found is not None else []
            payload = json.dumps(record)
            rejected.append(Rejected(_key(record, number), _reason(error), payload, is_row=found is None))
    return Validated(customers, rejected)


def _without_faults(record: object, error: ValidationError) -> Customer | None:
    """Return a customer without the values that cannot be read; None if its user is among them."""
    faulty = {fault["loc"][0] for fault in error.errors() if fault["loc"]}
    if not isinstance(record, dict) or "user_id" in faulty:
        return None
    said = cast("dict[str, Any]", record)
    return Customer.model_validate({name: value for name, value in said.items() if name not in faulty})


def refuse_none(found: Validated) -> None:
    """Refuse a snapshot whose every record was rejected: an empty one would be a success without customers.

    Raises:
        NoCustomersError: there are records and no customers; the message gives reasons without values.
    """
    if found.rejected and not found.customers:
        reasons = "; ".join(sorted({entry.reason for entry in found.rejected})[:_SHOWN_REASONS])
        raise NoCustomersError(
            f"bionicpro/crm_users: the CRM gave {len(found.rejected)} records, none of them is a customer; "
            f"no snapshot was taken. Look at what {settings.variable('crm_url')} answers: {reasons}"
        )


def _key(record: object, number: int) -> str:
    user = cast("dict[str, Any]", record).get("user_id") if isinstance(record, dict) else None
    return f"record {number}" if user is None or isinstance(user, dict | list) else f"user {user}"


def _reason(error: ValidationError) -> str:
    # Not the values: those are in the payload, which fewer people see than a reason.
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'the record'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    )


def customers_frame(customers: Sequence[Customer], taken_at: datetime) -> pd.DataFrame:
    """A snapshot as the DataFrame that is stored, checked against its declared type.

    Args:
        customers: in any order; one may be there twice.
        taken_at: when the snapshot was taken (aware).

    Raises:
        SnapshotError: the types are not the declared ones.
    """
    whole("pandas", "dagster_pandas")
    import pandas as pd

    names = list(Customer.model_fields)
    columns: dict[str, Any] = {name: [getattr(customer, name) for customer in customers] for name in names}
    frame = pd.DataFrame(
        {
            "taken_at": pd.Series([taken_at] * len(customers), dtype="datetime64[ns, UTC]"),
            "user_id": pd.Series(columns.pop("user_id"), dtype="int64"),
            "order_date": pd.Series(columns.pop("order_date"), dtype="object"),
            **{name: pd.Series(values, dtype="string") for name, values in columns.items()},
        }
    )
    check = dg.check_dagster_type(snapshot_type(), frame)
    if not check.success:
        raise SnapshotError(f"the CRM's snapshot is not of its type: {check.description}")
    return frame


@cache
def snapshot_type() -> dg.DagsterType:
    """The type of a snapshot's DataFrame, as dagster-pandas declares it."""
    from dagster_pandas import (
        PandasColumn,
        create_dagster_pandas_dataframe_type,  # pyright: ignore[reportUnknownVariableType] # its arguments
    )
    from dagster_pandas.constraints import ColumnConstraint, ColumnConstraintViolationException

    class Dates(ColumnConstraint):
        """Dates of Python that a report can hold: pandas has no type of days."""

        def __init__(self) -> None:
            holds = f"every value is a date from {FIRST_DATE} to {LAST_DATE}, or missing"
            super().__init__(holds, markdown_description=holds)

        def validate(self, dataframe: pd.DataFrame, column_name: str) -> None:
            days = dataframe[column_name].dropna()
            if not all(type(day) is date and FIRST_DATE <= day <= LAST_DATE for day in days):
                raise ColumnConstraintViolationException("Dates", self.error_description, column_name)

    texts = ("email", "first_name", "last_name", "prosthesis_id", "status")
    with warnings.catch_warnings():
        # PandasColumn is beta since this year, in a library that is older than that; its release is pinned.
        warnings.simplefilter("ignore", BetaWarning)
        return create_dagster_pandas_dataframe_type(
            "CrmSnapshot",
            description="The customers of the CRM at one moment.",
            columns=[
                PandasColumn.datetime_column("taken_at", non_nullable=True, tz="UTC"),
                PandasColumn.integer_column(
                    "user_id", min_value=0, max_value=LARGEST_USER, non_nullable=True
                ),
                *(PandasColumn.string_column(name) for name in texts),
                PandasColumn("order_date", constraints=[Dates()]),
            ],
        )
