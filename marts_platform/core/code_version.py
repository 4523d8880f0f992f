"""The version of a mart's code: Dagster's UI shows where it is another one than at the last load."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from typing import TYPE_CHECKING

from marts_platform.core import sql

if TYPE_CHECKING:
    from marts_platform.core.path import Mart


def code_version(spec: Mart) -> str:
    """A digest of the SQL that makes the table: a changed file shows as changed code in the UI.

    It is of the DDL, of the files that the definition names, and of the domain's files of the table's name,
    which the function gives back as its query. A source's file of another name is not among them.
    """
    parts = [spec.publication, spec.landing] if spec.landing else [spec.publication]
    files = [value for part in parts for value in astuple(part) if str(value).endswith(".sql")]
    domain, root = spec.asset.partition("/")[0], sql.sql_root()
    files += [str(path.relative_to(root)) for path in root.glob(f"{domain}/**/{spec.table.name}.sql")]
    text = spec.table.ddl + "".join(sql.read_sql(file) for file in sorted(set(files)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
