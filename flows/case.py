"""The case of one customer, from the published marts: what is overdue, what secures it, what was paid and promised, why, what
watches it, what to do and how much. No personal data."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flows.dates import day_of
from flows.errors import UsageError
from flows.home import Home, existing_home, shown
from flows.progress import printable

WORDS = {
    "zh": {
        "title": "逾期客户案例",
        "as_of": "截至",
        "case": "案情",
        "none": "该客户没有逾期。",
        "between": "；",
        "items": "债务",
        "debts": "用途、担保与还款",
        "contacts": "联系与承诺",
        "tried": "本次逾期以来联系 {attempts} 次，本人接听 {reached} 次，最近一次 {last_attempt_on}。",
        "untried": "本次逾期以来无联系记录。",
        "promised": "承诺还款 {promises} 次，兑现 {promises_kept} 次，未兑现 {promises_broken} 次。",
        "breaches": "违规：{}。",
        "unanswered": "账册未能回答",
        "answered": "无。",
        "item": "{item_type} {item_id}：{currency} {balance}，逾期 {days_past_due} 天，{class_zh}（规则：{rules}）",
        "adjusted": "；人工调整 {adjustment_id}：规则得出 {class_by_rules}，至 {adjusted_until} 止为 {risk_class}，经办 {adjusted_by}，审批 {approved_by}",
        "kinds": {"loan": "贷款", "advance": "垫款"},
        "no_rule": "无",
        "causes": "可能原因",
        "no_causes": "账册未显示原因。",
        "signals": "预警信号",
        "severity": "预警等级",
        "measures": "建议措施",
        "no_measures": "无。",
    },
    "en": {
        "title": "Case of an overdue customer",
        "as_of": "As of",
        "case": "The case",
        "none": "Nothing of this customer is overdue.",
        "between": "; ",
        "items": "Debts",
        "debts": "Purpose, security, payments",
        "contacts": "Contacts and promises",
        "tried": "Attempts since the arrears began: {attempts}, the debtor spoke in {reached}, the last on {last_attempt_on}.",
        "untried": "No attempt is on record since the arrears began.",
        "promised": "Promises: {promises}, kept {promises_kept}, broken {promises_broken}.",
        "breaches": "Rules broken: {}.",
        "unanswered": "What the ledgers do not answer",
        "answered": "Nothing.",
        "item": "{item_type} {item_id}: {currency} {balance}, {days_past_due} days past due, {class_en} (rules: {rules})",
        "adjusted": "; adjusted by {adjustment_id}: the rules say {class_by_rules}, {risk_class} until {adjusted_until}, prepared by {adjusted_by}, "
        "approved by {approved_by}",
        "kinds": {"loan": "Loan", "advance": "Advance"},
        "no_rule": "none",
        "causes": "Likely causes",
        "no_causes": "The ledgers show none.",
        "signals": "Warning signals",
        "severity": "severity",
        "measures": "Measures",
        "no_measures": "None.",
    },
}

LONGEST_NAME = 120  # bytes; Chinese takes three a sign
AMOUNT = re.compile(r"(?<![\w.])\d{4,}\.\d\d(?!\.?\d)")  # a reader wants its thousands apart


def worst_customer(publication: Path) -> str:
    """The overdue customer whom the watchlist puts first: one to look at."""
    with duckdb.connect(str(publication / "marts.duckdb"), read_only=True) as connection:
        found = connection.sql(
            """
            select customer_id from marts.case_files
            left join marts.watchlist using (customer_id)  -- a miss: overdue without a signal
            order by severity_order nulls last, points desc nulls last, customer_id limit 1
            """
        ).fetchone()
    return found[0] if found else "CUSTOMER"


def case_of(home: Path, customer: str, as_of: str | None, lang: str) -> dict[str, Any]:
    """The case report as text, written under HOME/cases, and as one object; UsageError where the customer is unknown."""
    place = Home(home) if (home / "published").is_dir() else existing_home(home)
    publication = _publication(place, as_of)
    customer = shown(customer)  # bytes that are no text are no id either
    with duckdb.connect(str(publication / "marts.duckdb"), read_only=True) as connection:
        found = {
            mart: _rows(connection, f"select * from marts.{mart} where customer_id = ? order by all", customer)
            for mart in ("case_files", "watchlist", "risk_classification")
        }
        known = _rows(connection, "select as_of from marts.loan_aging where customer_id = ? limit 1", customer)
        (day,) = connection.sql("select max(as_of) from marts.loan_aging").fetchone() or (None,)
    if not known and not any(found.values()):
        raise UsageError(
            f"There is no customer {customer} with a debt in {publication.name}. Give a customer_id as it stands in loan_aging."
        )
    text = printable(_told(customer, day, found, lang))
    path = _write(place, customer, day, lang, text)
    return {
        "status": "ok",
        "exit_code": 0,
        "as_of": day,
        "customer_id": customer,
        "report": str(path) if path else None,
        "case": next(iter(found["case_files"]), None),
        "watch": next(iter(found["watchlist"]), None),
        "items": found["risk_classification"],
        "_text": f"{text}\n{path or 'Not kept as a file: HOME cannot be written to.'}",
    }


def _publication(home: Home, as_of: str | None) -> Path:
    """The folder of `current`, or of the newest publication as of a date."""
    if as_of is None:
        if not (home.published / "current").exists():
            raise UsageError(f"Nothing is published in {home.root} yet. Run `arrears nightly` first.")
        return (home.published / "current").resolve()
    day = day_of("--as-of", as_of)
    folders = sorted(home.published.glob(f"{day}-*"), key=lambda path: path.stat().st_mtime)
    if not folders:
        kept = sorted({path.name[:10] for path in home.published.iterdir() if path.name[:1].isdigit()})
        raise UsageError(f"--as-of {day}: no publication of this date is kept. Kept: {', '.join(kept) or 'none'}.")
    return folders[-1]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, customer: str) -> list[dict[str, Any]]:
    found = connection.execute(query, [customer])
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _told(customer: str, day: date, found: dict[str, list[dict[str, Any]]], lang: str) -> str:
    words = WORDS[lang]
    case, watch = next(iter(found["case_files"]), {}), next(iter(found["watchlist"]), {})
    lines = [f"# {words['title']} {customer}", "", f"{words['as_of']} {day}", "", f"## {words['case']}", ""]
    lines += [case.get(f"description_{lang}") or words["none"], "", f"## {words['items']}", ""]
    for item in found["risk_classification"]:
        kind = words["kinds"][item["item_type"]]
        told = {**item, "item_type": kind, "rules": item["rules_fired"] or words["no_rule"]}
        override = words["adjusted"].format(**item) if item.get("adjustment_id") else ""
        lines.append("- " + words["item"].format(**told) + override)
    if case:
        lines += ["", f"## {words['debts']}", "", *_listed(case[f"debts_{lang}"], words)]
        lines += ["", f"## {words['contacts']}", "", words["tried" if case["attempts"] else "untried"].format(**case)]
        lines += [words["promised"].format(**case)] if case["promises"] else []
        lines += [words["breaches"].format(case[f"breaches_{lang}"])] if case["breaches"] else []
        open_questions = _listed(case[f"unanswered_{lang}"], words)
        lines += ["", f"## {words['unanswered']}", "", *(open_questions or [words["answered"]])]
    causes = _listed(case.get(f"evidence_{lang}"), words)
    lines += ["", f"## {words['causes']}", "", *(causes or [words["no_causes"]])]
    if watch:
        severity = f"{words['severity']} {watch[f'severity_{lang}']}, {watch['points']}"
        lines += ["", f"## {words['signals']} ({severity})", "", *_listed(watch[f"evidence_{lang}"], words)]
    measures = _listed(case.get(f"measures_sized_{lang}"), words)  # the watchlist's among them
    if not case and watch:
        measures = [f"- {one}" for one in watch[f"measures_{lang}"].split(", ") if one]
    lines += ["", f"## {words['measures']}", "", *(measures or [words["no_measures"]])]
    return thousands_apart("\n".join(lines)) + "\n"


def thousands_apart(text: str) -> str:
    """A text of the marts with the amounts in it as a reader wants them."""
    return AMOUNT.sub(lambda amount: f"{Decimal(amount[0]):,}", text)


def _listed(told: str | None, words: dict[str, Any]) -> list[str]:
    """A line for each cause or signal, with what shows it."""
    return [f"- {one}" for one in (told or "").split(words["between"]) if one]


def _write(home: Home, customer: str, day: date, lang: str, text: str) -> Path | None:
    """HOME/cases/<as_of>/<customer>.<lang>.md, readable by its owner only; None where HOME cannot be written to."""
    folder = home.root / "cases" / str(day)
    path = folder / f"{file_name_of(customer)}.{lang}.md"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return None  # an auditor's copy: what was asked is on the screen
        raise
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def file_name_of(customer: str) -> str:
    """An id as the name of a file: itself where it can be one, else cut down to it and told apart by a hash."""
    name = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in customer)
    if name == customer and len(name.encode()) <= LONGEST_NAME:
        return name
    while len(name.encode()) > LONGEST_NAME:
        name = name[:-1]
    return f"{name}-{hashlib.sha256(customer.encode()).hexdigest()[:8]}"
