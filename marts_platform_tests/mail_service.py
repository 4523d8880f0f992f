"""A mail server of a test's own, on a real socket: it takes what it is given, and remembers it."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default

LOOPBACK = "127.0.0.1"


@dataclass
class MailService:
    """A mail server that runs.

    Attributes:
        port: on loopback.
        refuse: the commands that it answers otherwise, by their beginning; each answer once if `once`.
        mails: what it took.
        logins: user and password of those who said them.
    """

    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict[str, str])
    once: bool = False
    mails: list[Message] = field(default_factory=list[Message])
    logins: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    commands: list[str] = field(default_factory=list[str])


@contextmanager
def mail_service() -> Generator[MailService]:
    """A mail server for as long as the context lasts."""
    running = MailService()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                running.commands.append(line)
                if not self._answer(line):
                    return

        def _answer(self, line: str) -> bool:
            verb = line.split()[0].upper()
            refused = next((name for name in running.refuse if line.upper().startswith(name)), None)
            if refused is not None:
                self._say(running.refuse.pop(refused) if running.once else running.refuse[refused])
            elif verb == "EHLO":
                self._say("250-here\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                running.logins.append((user, password))
                self._say("235 welcome")
            elif verb == "DATA":
                self._say("354 go on")
                lines: list[bytes] = []
                while (line_ := self.rfile.readline()) != b".\r\n":
                    lines.append(line_)
                running.mails.append(message_from_bytes(b"".join(lines), policy=default))
                self._say("250 taken")
            else:
                self._say("221 bye" if verb == "QUIT" else "250 well")
            return verb != "QUIT"

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server((LOOPBACK, 0), Handler)
    running.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
