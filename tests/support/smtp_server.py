"""A mail server for tests: it takes every mail, and keeps what was sent by whom to whom."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any


@dataclass(frozen=True)
class Mail:
    """A mail as it was handed over, and the addresses of its envelope."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def text(self) -> str:
        """Its first part, as it came."""
        (part, *_) = self.message.iter_parts()
        return str(part.get_content()).strip()


class SmtpServer(ThreadingTCPServer):
    """Listens on this machine; without TLS and login."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[Mail] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection that sends to it."""
        extra = {"to": "ops@example.com, night@example.com", "from_email": "lake@example.com"}
        plain = {"disable_ssl": True, "disable_tls": True, "timeout": 10}
        return {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra | plain}


class _Session(StreamRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        sender, recipients = "", []
        self._say("220 ready")
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "MAIL":
                    sender, recipients = _address(rest), []
                case "RCPT":
                    recipients.append(_address(rest))
                case "DATA":
                    self._say("354 go on")
                    message = message_from_bytes(self._data(), policy=policy.default)
                    self.server.mails.append(Mail(sender, recipients, message))
                case "QUIT":
                    self._say("221 bye")
                    return
            self._say("250 ok")

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _address(rest: str) -> str:
    return rest[rest.index("<") + 1 : rest.index(">")]
