"""The JDBC drivers that Spark needs, found in the jars that a setting names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from marts_platform.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Where a jar says which drivers it holds.
_SERVICES = "META-INF/services/java.sql.Driver"
_POSTGRES = "org.postgresql."
# MariaDB's driver speaks with MySQL too, and takes its URLs.
_MYSQL = ("com.mysql.", "org.mariadb.")
_HINT = "Debian's packages libpostgresql-jdbc-java and libmariadb-java put them in /usr/share/java"


@dataclass(frozen=True, slots=True)
class Drivers:
    """The classes of the two drivers."""

    postgres: str
    mysql: str


def drivers_of(jars: Sequence[str]) -> Drivers:
    """The drivers that the jars declare.

    Raises:
        SettingsError: a jar is none, or a driver is in none of them.
    """
    if not jars:
        raise SettingsError(f"MARTS_SPARK_MASTER is set, and MARTS_SPARK_JARS names no JDBC drivers; {_HINT}")
    found = [name for jar in jars for name in _declared(jar)]
    postgres = [name for name in found if name.startswith(_POSTGRES)]
    mysql = [name for name in found if name.startswith(_MYSQL)]
    missing = " and of ".join(name for name, there in (("Postgres", postgres), ("MySQL", mysql)) if not there)
    if missing:
        raise SettingsError(f"MARTS_SPARK_JARS has no JDBC driver of {missing}: {', '.join(jars)}; {_HINT}")
    return Drivers(postgres[0], mysql[0])


def _declared(jar: str) -> list[str]:
    try:
        with ZipFile(jar) as archive:
            text = archive.read(_SERVICES).decode()
    except KeyError:
        return []
    except (OSError, BadZipFile) as error:
        raise SettingsError(f"MARTS_SPARK_JARS: {jar} cannot be read as a jar ({error})") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
