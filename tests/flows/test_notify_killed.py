"""A notifier that is killed tells nobody twice, and answers for every request afterwards."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from bytewax.recovery import init_db_dir
from message_services import Service, webhook
from notice_requests import request, site_with, told, write

from domain.data_dir import DataDir
from tests.support import notify_child
from tests.support.forked import fork


def test_a_killed_notifier_sends_each_message_at_most_once_and_answers_for_all(
    sample_site_file: Path, tmp_path: Path
) -> None:
    """Killed in the middle of a message, three times; the service takes 50 ms for each."""
    data = DataDir(tmp_path / "var")
    site_file = tmp_path / "site.yaml"
    site = site_with(sample_site_file, {"id": "desk", "max_per_hour": 1000})
    site_file.write_text(site.model_dump_json(exclude_none=True))
    store = data.recovery / "notify"
    store.mkdir(parents=True)
    init_db_dir(store, 1)
    requests = [request(number) for number in range(40)]
    with webhook(hangs_s=0.05) as hook:
        url = f"json://watch:hunter2@127.0.0.1:{hook.port}/very-secret"
        for round_ in range(4):
            write(data, *requests[10 * round_ : 10 * round_ + 10])
            notifier = fork(
                notify_child.main, data, site_file, url, said=data.root / f"said-{round_}"
            )
            try:
                notifier.wait_until_said("running")
                if round_ == 3:
                    notifier.send_signal(signal.SIGUSR1)
                    assert notifier.wait(60) == 0
                else:
                    _wait_for_messages(hook, hook.requests + 3)
            finally:
                notifier.kill()
                notifier.wait()
    made = told(data)
    assert sorted(each.request_event_id for each in made) == sorted(each.id for each in requests)
    arrived = [message.text.splitlines()[-1].split()[-1] for message in hook.messages]
    assert len(arrived) == len(set(arrived)), "told twice"
    sent = {each.offence_id for each in made if each.result == "sent"}
    perhaps = {each.offence_id for each in made if each.result == "unknown whether sent"}
    assert {each.result for each in made} <= {"sent", "unknown whether sent"}
    assert sent <= set(arrived) <= sent | perhaps
    assert len(perhaps) <= 3, "more than the one under way at each kill"
    for path in data.root.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"very-secret" not in content and b"hunter2" not in content, path


def _wait_for_messages(hook: Service, enough: int, timeout_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while hook.requests < enough:
        assert time.monotonic() < give_up_at, f"no {enough} messages after {timeout_s} s"
        time.sleep(0.005)
