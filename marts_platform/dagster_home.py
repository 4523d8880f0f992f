"""Where Dagster keeps what is not in its database (logs of runs), and the configuration it reads there.

Light to import: the commands that only need the path do not pay for Dagster.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from marts_platform import settings


def shipped(name: str) -> Path:
    """A configuration file of the platform, ``dagster.yaml`` or ``workspace.yaml``.

    In a checkout it lies at the root, in an installed wheel within the package.

    Raises:
        settings.SettingsError: it is in neither place.
    """
    package = Path(__file__).resolve().parent
    for path in (package / name, package.parent / name):
        if path.is_file():
            return path
    raise settings.SettingsError(
        f"{name} is missing from {package} and from {package.parent}; reinstall marts_platform"
    )


def dagster_home() -> Path:
    """Dagster's home, ``$MARTS_HOME/dagster``, made if need be, with the current ``dagster.yaml`` in it."""
    folder = settings.home() / "dagster"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted, present = shipped("dagster.yaml").read_bytes(), folder / "dagster.yaml"
    if not present.exists() or present.read_bytes() != wanted:
        # A copy, not a link: a wheel's folder may go away, and a half-written file must never be read.
        aside = folder / f".dagster.yaml-{secrets.token_hex(4)}"
        aside.write_bytes(wanted)
        aside.replace(present)
    return folder


def use_dagster_home() -> Path:
    """Sets ``DAGSTER_HOME`` for this process and its children to `dagster_home`, and ``MARTS_HOME`` to match.

    A ``DAGSTER_HOME`` that the environment already names is respected.

    Returns:
        The folder in force.
    """
    # Absolute from now on: a child may run in another folder, where a relative .marts would be another stack.
    os.environ[f"{settings.PREFIX}HOME"] = str(settings.home())
    if not os.environ.get("DAGSTER_HOME"):
        os.environ["DAGSTER_HOME"] = str(dagster_home())
    return Path(os.environ["DAGSTER_HOME"])
