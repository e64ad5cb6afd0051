"""Send messages by apprise: mail, DingTalk, WeCom, webhooks and a hundred more services.

Apprise says only whether it worked. What matters here is whether a message may have arrived, so its
log of the one call is read: a server that was not reached is tried again, one that may have taken
the message never. Addresses hold passwords and tokens; nothing of them, nor of that log, leaves this
module.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path

import apprise

from domain.errors import Stop
from flows.notices.message import Message
from flows.notices.sender import SendResult

# answers that promise that it may work later
BUSY_CODES = frozenset({429, 502, 503})
# how the libraries below apprise (requests, smtplib) say that no connection came about
_NOT_REACHED = (
    (r"Connection refused|\[Errno 111\]", "the connection was refused"),
    (r"NameResolutionError|Name or service not known|name resolution", "its name is not known"),
    (r"ConnectTimeout|No route to host|Network is unreachable", "it does not answer"),
    (r"Failed to establish a new connection", "no connection"),
    (r"[Cc]annot connect to proxy|[Uu]nable to connect to proxy", "the proxy does not answer"),
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", "its certificate is not trusted"),
    # before any mail is handed over: connecting, greeting, logging in
    (r"Connection error while submitting email", "the mail server does not answer"),
)
_HTTP_CODE = re.compile(r"\berror=(\d{3})\b")
_SMTP_CODE = re.compile(r"(?:Socket Exception: \(|was refused: )(\d{3})\b")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}")


class AppriseSender:
    """One recipient's address."""

    def __init__(self, recipient_id: str, url: str) -> None:
        """Read the address; raises Stop, without repeating it, if apprise does not know such."""
        _keep_quiet()
        asset = apprise.AppriseAsset(
            app_id="forewarn",
            app_desc="forewarn",
            app_url="",
            image_url_logo="",
            image_url_mask="",
            async_mode=False,
            secure_logging=True,
        )
        self._apprise = apprise.Apprise(asset=asset)
        # without "://" the whole may be a password
        scheme, separator, _ = url.strip().partition("://")
        self.service = scheme.lower() if separator and _SCHEME.fullmatch(scheme) else "unknown"
        if not self._apprise.add(url.strip()) or len(self._apprise) != 1:
            raise Stop(
                f"recipient {recipient_id!r}: needs one apprise address such as mailto://… or "
                f"dingtalk://…, got one of kind {self.service!r} that apprise cannot use; "
                "see docs/how-to/notifications.md"
            )
        plugin = next(iter(self._apprise))
        # the libraries below repeat a redirected POST as a GET without its words, or hand text and picture to
        # whatever host the answer names, and call both a success
        plugin.redirects = False
        self.takes_pictures = bool(plugin.attachment_support)

    def send(self, message: Message, picture: Path | None) -> SendResult:
        """See Sender."""
        result = self._apprise.notify(
            title=message.title,
            body=message.body,
            body_format=apprise.NotifyFormat.TEXT.value,
            attach=str(picture) if picture else None,
            log_level=logging.DEBUG,
        )
        if result:
            return SendResult("sent")
        return judge(entry.message for entry in result.logs())


def judge(lines: Iterable[str]) -> SendResult:
    """Decide, by apprise's log of a failed call, whether the message may have arrived ("unknown")."""
    log_text = "\n".join(lines)
    if "Sent Email to" in log_text:
        return SendResult("unknown", "some of its addresses took the message, others did not")
    if code := _HTTP_CODE.search(log_text):
        number = int(code[1])
        return SendResult(
            "not reached" if number in BUSY_CODES else "failed", f"it answered {number}"
        )
    if code := _SMTP_CODE.search(log_text):
        number = int(code[1])
        return SendResult("not reached" if number < 500 else "failed", f"it answered {number}")
    for pattern, words in _NOT_REACHED:
        if re.search(pattern, log_text):
            return SendResult("not reached", words)
    return SendResult(
        "unknown", "the connection broke or timed out after the message was under way"
    )


def _keep_quiet() -> None:
    """Let calls keep their own log in full, and nothing of it reach ours: it may quote addresses."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.DEBUG)
    # names every address it connects to, at DEBUG
    logging.getLogger("urllib3").setLevel(logging.WARNING)
