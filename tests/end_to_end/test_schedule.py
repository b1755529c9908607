"""The schedule on a real Prefect server, and its notices at a real receiver on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from end_to_end.conftest import ARREARS, Command

from flows import notices
from flows.errors import DeliveryRefused, ValidationFailed
from flows.home import Home
from flows.publish import current_manifest, publications_of

ROOT = Path(__file__).parents[2]
LAST = date(2026, 10, 31)  # the demo's
SCHEDULE = {"cron": "0 2 * * *", "timezone": "Asia/Shanghai", "day_or": True}

ANSWERS = {  # a message not taken, and one taken
    "slack": (b"ok", b"ok"),
    "dingtalk": (b'{"errcode":310000,"errmsg":"keywords not in content"}', b'{"errcode":0,"errmsg":"ok"}'),
    "feishu": (b'{"code":19024,"msg":"Key Words Not Found"}', b'{"StatusCode":0,"StatusMessage":"success","code":0}'),
}


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A robot's webhook: its address, and what came in. It answers as its kind does; below /deaf that it took nothing, with status 200."""
    came: list[dict[str, Any]] = []

    class Robot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            kind = "feishu" if "msg_type" in message else "dingtalk" if "msgtype" in message else "slack"
            if taken := not self.path.startswith("/deaf"):
                came.append(message)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(ANSWERS[kind][taken])

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Robot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/robot?key=secret", came
    server.shutdown()


@contextmanager
def on(server: str) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server}):
        yield


def text_of(kind: str, message: dict[str, Any]) -> str:
    if kind == "slack":
        return message["text"]
    return message["content"]["text"] if kind == "feishu" else message["text"]["content"]


@pytest.mark.parametrize("kind", notices.ROBOTS)
def test_each_kind_of_robot_is_told_in_its_own_form(
    kind: str, prefect_server: str, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    address, came = receiver
    with on(prefect_server):
        block = notices.keep(kind, f"desk-{kind}", address)
        notices.send([block], notices.Notice("validation_failed", "2026-10-31", "Publication", "Buckets add up"), "zh")
        notices.send([block, "custom-webhook/nobody"], notices.Notice("late", "2026-11-01"), "en")
    first, second = (text_of(kind, message) for message in came)
    assert first.startswith(
        "arrears 2026-10-31: 校验未通过，没有发布\n日期：2026-10-31\n关口：Publication\n原因：Buckets add up\n下一步："
    )
    assert second.startswith("arrears 2026-11-01: no delivery by the deadline\nDate: 2026-11-01\nNext step: ")
    # whoever may look at blocks does not see the address
    with on(prefect_server), httpx.Client(base_url=prefect_server) as client:
        kept = client.post("/block_documents/filter", json={"block_documents": {"name": {"any_": [f"desk-{kind}"]}}})
        assert "robot" not in kept.text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("dingtalk", "errcode 310000: keywords not in content"),
        ("wecom", "errcode 310000: keywords not in content"),
        ("feishu", "code 19024: Key Words Not Found"),
    ],
)
def test_a_robot_that_answers_an_error_with_status_200_is_noticed(
    kind: str,
    said: str,
    prefect_server: str,
    receiver: tuple[str, list[dict[str, Any]]],
    arrears: Command,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = receiver[0].replace("/robot", "/deaf")
    with on(prefect_server), caplog.at_level("WARNING"):
        block = notices.keep(kind, "deaf", address)
        notices.send([block], notices.Notice("late", "2026-11-01"), "en")
    assert f"The notice to {block} was not taken: {said}" in caplog.text
    ended = arrears("notice", kind, "deaf", "--home", tmp_path / "home", given=address)
    assert (ended.code, f"the robot did not take the notice ({said})" in ended.err) == (2, True), ended.err
    assert "key=secret" not in ended.err + caplog.text


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("dingtalk", '{"errcode":0,"errmsg":"ok"}', None),
        ("feishu", '{"StatusCode":0,"StatusMessage":"success"}', None),
        ("feishu", '{"code":"0","msg":"success","data":{}}', None),
        ("feishu", '{"StatusCode":9499,"StatusMessage":"Bad Request"}', "StatusCode 9499: Bad Request"),
        (
            "wecom",
            '{"errcode":93000,"errmsg":"invalid \u001b[2J url"}',
            "errcode 93000: invalid \N{REPLACEMENT CHARACTER}[2J url",
        ),
        ("wecom", "<html>login</html>", "its answer is no JSON object"),
        ("feishu", "[]", "its answer is no JSON object"),
        ("feishu", "{}", "its answer has no code and no StatusCode"),
    ],
)
def test_what_the_answer_of_a_robot_means(kind: str, answer: str, said: str | None) -> None:
    assert notices.refusal_of(kind, answer) == said


def test_mail_is_told_through_a_mail_server(prefect_server: str) -> None:
    came: list[bytes] = []

    class MailServer(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            while command := self.rfile.readline().decode().strip().upper():
                if command == "DATA":
                    self.say("354 go on")
                    came.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self.say("221 bye" if command == "QUIT" else "250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server, on(prefect_server):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"mailto://127.0.0.1:{server.server_address[1]}?from=night@example.org&to=desk@example.org"
        block = notices.keep("email", "desk", address)
        notices.send([block], notices.Notice("late", "2026-11-01"), "zh")
        server.shutdown()
    said = message_from_bytes(came[0], policy=default)
    assert str(said["Subject"]) == "arrears 2026-11-01: 批次未到，已过时限"
    assert "下一步：催要批次。" in said.get_body(("plain",)).get_content()


def test_a_notice_holds_no_rows_and_of_a_fault_its_kind_alone() -> None:
    rows = "The publication gate failed (Publication).\n  ✗ Buckets add up: 3 rows\n      customer_id=C-000001"
    failed = ValidationFailed(rows, {"gate": "Publication", "reason": "Buckets add up"})
    assert "C-000001" not in notices.of_failure("2026-10-31", failed).body("en")
    assert notices.of_failure("2026-10-31", KeyError("13800000000")).reason == "KeyError"
    refused = notices.of_failure("2026-10-31", DeliveryRefused("loans.csv: has no header.\nMore."))
    assert (refused.what, refused.reason) == ("refused", "loans.csv: has no header.")


def delivered(landing: Path, like: str, *names: str) -> None:
    for name in names:
        shutil.copytree(landing / like, landing / name)


def by_a_worker(prefect_server: str, folder: Path, parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Deploy prefect.yaml to a pool of processes as docs/prefect.md has it, and let a worker run it once: deployment and run, as the
    server has them. The flow is found through the folder that it was deployed from."""
    environment = os.environ | {"PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(folder)}
    environment.pop("PYTHONPATH", None)

    def prefect(*arguments: str) -> None:
        command = [str(ARREARS.with_name("prefect")), "--no-prompt", *arguments]
        ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    with httpx.Client(base_url=prefect_server, timeout=60) as client:
        client.post("/work_pools/", json={"name": "arrears", "type": "process"}).raise_for_status()
        prefect("deploy", "--all")
        deployed = client.get("/deployments/name/arrears schedule/nightly").raise_for_status().json()
        asked = {"parameters": parameters}
        run = client.post(f"/deployments/{deployed['id']}/create_flow_run", json=asked).raise_for_status().json()
        prefect("worker", "start", "--pool", "arrears", "--run-once")
        ended = client.get(f"/flow_runs/{run['id']}").raise_for_status().json()
        client.delete(f"/deployments/{deployed['id']}").raise_for_status()
    return deployed, ended


def test_dates_missed_are_caught_up_in_order_then_one_is_late_and_one_refused(
    home: Path, prefect_server: str, receiver: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """The missed ones by a worker that prefect.yaml was deployed for; the others in this process."""
    from flows.schedule import scheduled

    place, landing = Home(home), home / "landing"
    address, came = receiver
    delivered(landing, str(LAST), "2026-11-01", "2026-11-02")
    places = {"home": str(home), "landing": str(landing), "policy": str(home / "policy")}

    def run(night: date) -> Any:
        return scheduled(
            home,
            landing,
            home / "policy",
            night,
            deadline="00:00",
            look_every=0.1,
            notify=[block],
            lang="en",
            return_state=True,
        )

    with on(prefect_server):
        block = notices.keep("slack", "desk", address)
        assert run(LAST).message == "`current` is as of 2026-10-31 already"
        before = set(publications_of(place))
        told = {"night": "2026-11-02", "notify": [block], "lang": "en", "tell_published": True}
        deployed, ended = by_a_worker(prefect_server, tmp_path / "prefect", places | told)
        assert ended["state"]["message"] == "Published: 2026-11-01, 2026-11-02"
        assert ended["name"] == "night of 2026-11-02"
        assert [said["text"][:29] for said in came] == [f"arrears 2026-11-0{day}: published" for day in (1, 2)]
        assert deployed["schedules"][0]["schedule"] | {"day_or": True} == SCHEDULE
        assert deployed["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert deployed["global_concurrency_limit"]["limit"] == 1
        made = sorted(set(publications_of(place)) - before, key=lambda folder: publications_of(place)[folder]["run_id"])
        assert [folder.name[:10] for folder in made] == ["2026-11-01", "2026-11-02"]
        assert [publications_of(place)[folder]["known_at"] for folder in made] == ["2026-11-01", "2026-11-02"]
        # nothing came for the next day, whose deadline is over
        came.clear()
        late = run(date(2026, 11, 3))
        assert (late.name, late.is_failed()) == ("Late", True)
        assert came[-1]["text"].startswith("arrears 2026-11-03: no delivery by the deadline")
        # what is being copied is not there yet
        delivered(landing, str(LAST), "2026-11-03")
        (landing / "2026-11-03" / "loans.csv").write_text("nothing\n1\n")
        assert run(date(2026, 11, 3)).name == "Late"
        for path in (landing / "2026-11-03").iterdir():
            os.utime(path, (0, 0))
        refused = run(date(2026, 11, 3))
        assert refused.is_failed()
        assert came[-1]["text"].startswith("arrears 2026-11-03: delivery refused")
        assert "loans.csv" in came[-1]["text"]
    assert current_manifest(place)["as_of"] == "2026-11-02"


def until(found: Callable[[], Any], server: subprocess.Popen[bytes], log: Path) -> Any:
    end = time.monotonic() + 180
    while not (it := found()):
        assert server.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.3)
    return it


def test_serve_makes_a_deployment_of_this_home_and_runs_it(home: Path, prefect_server: str, tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    command = [str(ARREARS), "serve", "--home", str(home), "--landing", str(home / "landing")]
    with open(log, "wb") as into, httpx.Client(base_url=prefect_server) as client:
        served = subprocess.Popen(
            command, env=os.environ | {"PREFECT_API_URL": prefect_server}, stdout=into, stderr=into
        )
        try:
            by = {"deployments": {"name": {"like_": f"{home.name}-"}}}
            found = until(lambda: client.post("/deployments/filter", json=by).json(), served, log)[0]
            assert found["schedules"][0]["schedule"] | {"day_or": True} == SCHEDULE
            assert found["concurrency_options"]["collision_strategy"] == "ENQUEUE"
            assert found["global_concurrency_limit"]["limit"] == 1
            asked = {"parameters": {"night": str(LAST)}}
            run = client.post(f"/deployments/{found['id']}/create_flow_run", json=asked).json()
            ended = until(
                lambda: (
                    (r := client.get(f"/flow_runs/{run['id']}").json())["state_type"]
                    in ("COMPLETED", "FAILED", "CRASHED")
                    and r
                ),
                served,
                log,
            )
            assert ended["state"]["message"] == "`current` is as of 2026-10-31 already", log.read_text()[-3000:]
            assert ended["name"] == "night of 2026-10-31"
        finally:
            served.send_signal(signal.SIGINT)
            served.wait(60)


def test_serve_needs_a_server_that_stays(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    command = [str(ARREARS), "serve", "--home", str(home), "--landing", str(home / "landing")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, "needs a Prefect server that stays" in ended.stderr) == (2, True)
