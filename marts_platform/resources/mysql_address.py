"""Where a MySQL server is, as whom it is used, and what of its TLS is checked: all of it stands in a URL."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from marts_platform import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# As PyMySQL and the command-line clients call them.
_FILES = ("ssl_ca", "ssl_cert", "ssl_key")
_CHECKS = ("ssl_verify_cert", "ssl_verify_identity")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a MySQL server is, and as whom it is used.

    Attributes:
        host: its name or address.
        port: its port.
        user: the role.
        password: the role's.
        database: the session's, if any.
        tls: options of the URL; with any of them a connection is encrypted, and its server checked.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str | None
    tls: Mapping[str, str] = field(default_factory=dict[str, str])


def address_of(name: str, url: str) -> Address:
    """The address that a URL says.

    Args:
        name: of the variable that holds it, for messages.
        url: ``mysql://user:password@host:port/database?ssl_ca=/path``.

    Raises:
        SettingsError: it is none of MySQL's, or has an option that is not known.
    """
    parts = urlsplit(url)
    if not parts.scheme.startswith("mysql") or not parts.hostname:
        raise settings.SettingsError(f"{name} is no address of MySQL, mysql://user:password@host:port/name")
    try:
        port = parts.port or 3306
    except ValueError:
        raise settings.SettingsError(f"{name}: its port is no number") from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - {*_FILES, *_CHECKS}:
        raise settings.SettingsError(
            f"{name} has options that are not known: {', '.join(sorted(unknown))}. "
            f"There are {', '.join((*_FILES, *_CHECKS))}"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(parts.hostname, port, user, password, parts.path.strip("/") or None, options)


def tls_context(name: str, options: Mapping[str, str]) -> ssl.SSLContext | None:
    """What the options of a URL ask of TLS; None where there are none: then it is used if the server has it.

    The server's certificate and its name are checked unless an option says that they are not; without
    ``ssl_ca`` the certificate has to be of an authority that the system trusts. The driver itself would check
    neither where it is only told ``ssl_ca``, and no name without one.

    Args:
        name: of the variable that holds the URL, for messages.
        options: of the URL.

    Raises:
        SettingsError: an option cannot be what it says, or its file cannot be read.
    """
    if not options:
        return None
    checks_certificate = _flag(name, options, "ssl_verify_cert", default=True)
    checks_name = _flag(name, options, "ssl_verify_identity", default=checks_certificate)
    if checks_name and not checks_certificate:
        raise settings.SettingsError(f"{name}: a name is checked by a certificate; ssl_verify_cert is false")
    if ("ssl_key" in options) and "ssl_cert" not in options:
        raise settings.SettingsError(f"{name}: ssl_key is the key of ssl_cert, which is missing")
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca"))
        if "ssl_cert" in options:
            context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    except OSError as error:  # ssl.SSLError is one: a file that holds no certificate
        raise settings.SettingsError(f"{name}: the files of its TLS options do not do: {error}") from error
    # The certificates that a MySQL server makes for itself are none in the strict sense.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = checks_name
    context.verify_mode = ssl.CERT_REQUIRED if checks_certificate else ssl.CERT_NONE
    return context


def _flag(name: str, options: Mapping[str, str], option: str, *, default: bool) -> bool:
    said = options.get(option)
    if said is None:
        return default
    if said.lower() not in _FLAGS:
        raise settings.SettingsError(f"{name}: {option} is true or false, not {said!r}")
    return _FLAGS[said.lower()]
