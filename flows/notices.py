"""Notices of nights, through Prefect's notification blocks: what happened, at which gate, the first reason, the next step.

A notice says names of dates, gates, files and rules; no rows, and no keys of customers or loans. One that cannot be sent changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.errors import ArrearsError, DeliveryRefused, HomeInUse, UsageError, ValidationFailed
from flows.progress import log, printable

if TYPE_CHECKING:
    from prefect.blocks.core import Block

# What a robot of each kind takes; the address is kept as a secret of the block.
TEXT = "{{subject}}\n{{body}}"
ROBOTS: dict[str, dict[str, Any]] = {
    "slack": {"text": TEXT},
    "dingtalk": {"msgtype": "text", "text": {"content": TEXT}},
    "wecom": {"msgtype": "text", "text": {"content": TEXT}},
    "feishu": {"msg_type": "text", "content": {"text": TEXT}},
}
# Where a robot says in its answer, with status 200, that it did not take a message: a number that is not 0.
ANSWERS = {"dingtalk": ("errcode",), "wecom": ("errcode",), "feishu": ("code", "StatusCode")}
LONGEST = 300  # of a reason

HAPPENED = {
    "published": {"zh": "已发布", "en": "published"},
    "validation_failed": {"zh": "校验未通过，没有发布", "en": "validation failed, nothing was published"},
    "refused": {"zh": "批次被拒收", "en": "delivery refused"},
    "late": {"zh": "批次未到，已过时限", "en": "no delivery by the deadline"},
    "in_use": {"zh": "HOME 正被占用，没有运行", "en": "HOME was in use, no night ran"},
    "usage": {"zh": "配置有误，没有运行", "en": "wrong configuration, no night ran"},
    "failed": {"zh": "运行失败，没有发布", "en": "the run failed, nothing was published"},
}
NEXT = {
    "published": {
        "zh": "打开报告页；如有提醒，先看提醒。",
        "en": "Open the report; look at the warnings first, if there are any.",
    },
    "validation_failed": {
        "zh": "看校验页面，更正批次后重新运行（docs/runbooks/exit-3-validation-failed.md）。",
        "en": "Look at the validation page, correct the delivery, run again (docs/runbooks/exit-3-validation-failed.md).",
    },
    "refused": {
        "zh": "更正批次后重新运行（docs/runbooks/exit-4-delivery-refused.md）。",
        "en": "Correct the delivery and run again (docs/runbooks/exit-4-delivery-refused.md).",
    },
    "late": {
        "zh": "催要批次。补到后由下一晚按日期先后补跑，或现在运行 arrears nightly。",
        "en": "Ask for the delivery. The next night catches up in order of date, or run arrears nightly when it is there.",
    },
    "in_use": {
        "zh": "看谁占用：arrears status（docs/runbooks/exit-5-home-in-use.md）。",
        "en": "See who holds it: arrears status (docs/runbooks/exit-5-home-in-use.md).",
    },
    "usage": {"zh": "按提示更正配置后重新运行。", "en": "Correct what the reason names and run again."},
    "failed": {"zh": "看运行日志，重新运行。", "en": "Look at the run's log, and run again."},
}
TO_LOOK_AT = {"zh": "{} 项待查看", "en": "{} to look at"}
WORDS = {
    "date": {"zh": "日期", "en": "Date"},
    "gate": {"zh": "关口", "en": "Gate"},
    "reason": {"zh": "原因", "en": "Reason"},
    "next": {"zh": "下一步", "en": "Next step"},
}


class NotTaken(Exception):
    """A robot answered that it did not take the message: its number and, where it has one, its sentence."""


@dataclass(frozen=True)
class Notice:
    """What became of the night of a date (ISO): a key of HAPPENED, the gate that closed, the first reason."""

    what: str
    as_of: str
    gate: str | None = None
    reason: str | None = None

    def subject(self, lang: str) -> str:
        return f"arrears {self.as_of}: {HAPPENED[self.what][lang]}"

    def body(self, lang: str) -> str:
        said = {"date": self.as_of, "gate": self.gate, "reason": self.reason, "next": NEXT[self.what][lang]}
        between = "：" if lang == "zh" else ": "
        return "\n".join(f"{WORDS[word][lang]}{between}{text}" for word, text in said.items() if text)


def of_failure(as_of: str, error: BaseException) -> Notice:
    """A notice of what ended a night. A fault of ours says its kind alone, for its text may be anything."""
    kinds = {
        ValidationFailed: "validation_failed",
        DeliveryRefused: "refused",
        HomeInUse: "in_use",
        UsageError: "usage",
    }
    what = next((name for kind, name in kinds.items() if isinstance(error, kind)), "failed")
    if not isinstance(error, ArrearsError):
        return Notice(what, as_of, reason=type(error).__name__)
    first = error.details.get("reason") or (str(error).splitlines() or [""])[0]
    return Notice(what, as_of, error.details.get("gate"), printable(first)[:LONGEST])


def try_out(block: str) -> None:
    """A first notice, in both languages; raises what keeps it from being sent."""
    from prefect.blocks.core import Block

    _known()
    said = "这里将收到夜间运行的通知。\nNotices of nights will come here."
    _tell(Block.load(block, _sync=True), said, "arrears")


def send(blocks: list[str], notice: Notice, lang: str) -> None:
    """To each block, by its `type/name` in Prefect."""
    from prefect.blocks.core import Block

    for name in blocks:
        try:
            _known()
            _tell(Block.load(name, _sync=True), notice.body(lang), notice.subject(lang))
        except NotTaken as error:
            log.warning("The notice to %s was not taken: %s", name, error)
        except Exception as error:  # a robot that is away ends no night
            log.warning("The notice could not be sent to %s: %s", name, type(error).__name__)


def _tell(block: Any, body: str, subject: str) -> None:
    """As the block does it; where the robot is of a kind that answers errors with status 200, its answer is read. Raises NotTaken."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook

    if not isinstance(block, Webhook) or block.name not in ANSWERS:
        block.notify(body, subject, _sync=True)
        return
    import httpx

    # what notify() would send: the block reads the status of the answer alone, and hands nothing on
    request = block._build_request_args(body, subject)
    with httpx.Client(cookies=request.pop("cookies", None)) as client:
        answer = client.request(**request)
    answer.raise_for_status()
    if said := refusal_of(block.name, answer.text):
        raise NotTaken(said)


def refusal_of(kind: str, answer: str) -> str | None:
    """What a robot's answer says went wrong, as `errcode 310000: keywords not in content`; None where it took the message."""
    try:
        said = json.loads(answer, strict=False)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return "its answer is no JSON object"
    for name in ANSWERS[kind]:
        if str(said.get(name) or 0) != "0":
            why = next((said[word] for word in ("errmsg", "msg", "StatusMessage") if said.get(word)), "")
            return f"{name} {said[name]}: {printable(str(why))[:LONGEST]}"
    return None if said.keys() & set(ANSWERS[kind]) else f"its answer has no {' and no '.join(ANSWERS[kind])}"


def keep(kind: str, name: str, address: str) -> str:
    """Keep a block in Prefect; its `type/name`, which `arrears serve --notice` takes. Raises UsageError for an address that is none."""
    if kind == "email" and not address.startswith(("mailto://", "mailtos://")):
        raise UsageError("The address: give mailtos://user:password@server?to=somebody@example.org, as Apprise has it.")
    if kind != "email" and not address.startswith(("https://", "http://")):
        raise UsageError("The address: give the webhook's, which begins with https://.")
    block = _block(kind, address)
    block.save(name, overwrite=True, _sync=True)
    return f"{block.get_block_type_slug()}/{name}"


def _block(kind: str, address: str) -> Block:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook

    if kind == "email":
        return _known()(url=address)
    return Webhook(name=kind, url="{{address}}", json_data=ROBOTS[kind], secrets={"address": address})


def _known() -> type[Block]:
    """The block for mail, which Prefect must know before it can load one."""
    from flows.mail import ArrearsMail

    return ArrearsMail
