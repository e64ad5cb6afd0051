"""Answer the forms of a record's page: verify, see unmasked, export, hold, release."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, TypeVar

from tornado.iostream import StreamClosedError

from dashboards.access.file_tokens import UNMASKED_FOR_S
from dashboards.access.request_guard import RECORD_ACTS
from dashboards.data.record_acts import RecordActs
from dashboards.pages.record_page import POLICY, RecordRequest, RecordService
from dashboards.texts import in_language
from domain.access.decisions import Asker, NotAllowed
from domain.errors import ForewarnError, PutAside

SENT_AT_ONCE_BYTES = 256 * 1024
LONGEST_TYPED = 500
_T = TypeVar("_T")


class RecordActHandler(RecordRequest):
    """Does one thing with a record; answers with JSON, an export with its zip."""

    async def post(self, evidence_id: str, act: str) -> None:
        """Do it; what was done, or why not, is `said` in the reader's language."""
        self.set_header("Content-Security-Policy", POLICY)
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "verify": self._verify,
            "unmasked": self._unmasked,
            "export": self._export,
            "hold": self._hold,
            "release": self._release,
        }
        try:
            await acts[act](evidence_id)
        except NotAllowed as error:
            why_not = error.decision.why_not
            self._say(403, in_language(why_not, self.names.lang) if why_not else str(error))
        except PutAside as error:
            self._say(409, self.words_of(error, "record.not_done"))
        except (ForewarnError, OSError) as error:
            self._say(503, self.words_of(error, "record.not_done"))

    async def _verify(self, evidence_id: str) -> None:
        problems = await self._do(lambda acts, asker: acts.verify(asker, evidence_id))
        if not problems:
            self._say(200, self.names.say("record.in_order"))
            return
        said = self.names.say("record.faults", count=len(problems), problems="; ".join(problems))
        self._say(200, said, is_fault=True)

    async def _unmasked(self, evidence_id: str) -> None:
        reason = self._typed("reason")
        if not reason:
            self._say(400, self.names.say("unmasked.need_reason"))
            return
        files = await self._do(lambda acts, asker: acts.show_unmasked(asker, evidence_id, reason))
        shown = [
            {
                "name": file.name,
                "role": file.role,
                "address": self.tokens.address(evidence_id, file.name, UNMASKED_FOR_S),
            }
            for file in files
        ]
        self._say(200, self.names.say("unmasked.logged"), files=shown)

    async def _export(self, evidence_id: str) -> None:
        is_unmasked = bool(self._typed("unmasked"))
        reason = self._typed("reason")
        if is_unmasked and not reason:
            self._say(400, self.names.say("unmasked.need_reason"))
            return
        made = await self._do(
            lambda acts, asker: acts.export(asker, evidence_id, reason, unmasked=is_unmasked)
        )
        name = f"{evidence_id}{'.unmasked' if is_unmasked else ''}.zip"
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        await self._send(made)

    async def _send(self, made: BinaryIO) -> None:
        with made:
            try:
                while piece := await asyncio.to_thread(made.read, SENT_AT_ONCE_BYTES):
                    self.write(piece)
                    await self.flush()
            except StreamClosedError:
                return  # they left; what was made is gone with the file

    async def _hold(self, evidence_id: str) -> None:
        reason, owner, until = self._typed("reason"), self._typed("owner"), self._typed("until")
        if not reason or not owner:
            self._say(400, self.names.say("record.hold_needs"))
            return
        try:
            ends_at = self._end_of_day(until) if until else None
        except (ValueError, OverflowError):  # the last day of all has no end
            self._say(400, self.names.say("record.hold_no_date"))
            return
        if ends_at is not None and ends_at <= datetime.now(UTC):
            self._say(400, self.names.say("record.hold_past"))
            return
        await self._do(lambda acts, asker: acts.hold(asker, evidence_id, reason, owner, ends_at))
        self._say(200, self.names.say("record.held_now"), is_changed=True)

    async def _release(self, evidence_id: str) -> None:
        reason = self._typed("reason")
        if not reason:
            self._say(400, self.names.say("unmasked.need_reason"))
            return
        count = await self._do(lambda acts, asker: acts.release(asker, evidence_id, reason))
        self._say(200, self.names.say("record.released_now", count=count), is_changed=True)

    async def _do(self, act: Callable[[RecordActs, Asker], _T]) -> _T:
        """Do what takes seconds in a thread, not too much of it at once."""
        async with self.service.at_work:
            return await asyncio.to_thread(act, self.service.acts, self.visitor.asker)

    def _end_of_day(self, day: str) -> datetime:
        """Return the end of a day at the site, in UTC; ValueError, OverflowError: it is none that has one."""
        midnight = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=self.names.timezone)
        return (midnight + timedelta(days=1)).astimezone(UTC)

    def _typed(self, name: str) -> str:
        return self.get_body_argument(name, "").strip()[:LONGEST_TYPED]

    def _say(self, status: int, said: str, **more: Any) -> None:
        self.set_status(status)
        self.finish({"said": said, **more})


def record_act_routes(service: RecordService) -> list[tuple[str, Any, dict[str, Any]]]:
    """List the addresses of the forms."""
    return [(RECORD_ACTS.pattern, RecordActHandler, {"service": service})]
