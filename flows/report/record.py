"""The validation page of a publication: what was checked, by what, of which sources, with which exceptions, and who may rely on it
for what. The front page of `validation/`, before the pages of each gate."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from flows.report.numbers import Text
from flows.report.page import asked_for, parts_of, rendered, told_by

if TYPE_CHECKING:
    from expectations.results import GateResult

OUTCOMES = ("read", "filtered", "loaded", "duplicate", "quarantined")
HEADS = (["读入", "Read"], ["过滤", "Filtered"], ["入库", "Loaded"], ["重复", "Duplicate"], ["隔离", "Quarantined"])
SEVERITY = {
    "critical": Text("严重", "critical"),
    "warning": Text("提示", "warning"),
    "info": Text("供参考", "for information"),
}
RESULTS = {
    "held": Text("成立", "held"),
    "failed": Text("未成立", "failed"),
    "not_run": Text("未执行", "not run"),
    "not_applicable": Text("不适用", "not applicable"),
}
MOST = 60  # files, exceptions


def record_of(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any], gates: list[GateResult]) -> str:
    """The page, from a candidate that is signed, its manifest, and what its gates found."""
    told, publication, _ = told_by(connection)
    found = [finding for gate in gates for finding in (*gate.warnings, *gate.notes)]
    held = sum(len(gate.passed) for gate in gates)
    figures = asked_for("figures.yml")
    specs = {spec["id"]: spec for section in asked_for("sections.yml") for spec in section["tables"]}
    return rendered(
        "record.html",
        told=told,
        manifest=manifest,
        gates=gates,
        conclusion=Text(
            f"通过：{held:,} 项检验成立，{len(found):,} 项需查看或供参考；没有严重的检验未成立，也没有未能执行的检验。",
            f"Passed: {held:,} checks hold, {len(found):,} are to be looked at or for information; none that is critical failed, "
            "and none could not run.",
        ),
        controls=(controls := _controls(connection)),
        controls_told=_told(controls),
        scope=_scope(connection, manifest, publication),
        coverage=parts_of(
            connection,
            [specs["quality_proof"], specs["quality_sample"], specs["quality_reconciliation"]],
            figures,
            told,
        ),
        kept_out=parts_of(
            connection,
            [specs["quality_quarantine"], specs["quality_restatements"], specs["contact_unjudged"]],
            figures,
            told,
        ),
        outcomes=HEADS,
        ledgers=_ledgers(manifest),
        last=manifest["deliveries"][-1],
        most=MOST,
        exceptions=[{"title": f.title, "severity": SEVERITY[f.severity], "failing": f.failing} for f in found],
        reliance=asked_for("record.yml"),
        facts=_facts(manifest, publication),
        percent=Decimal("0.1"),
    )


def _controls(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Each control of the run: its question, what should have run and did, on how many rows, with what result."""
    relation = connection.sql("from evidence.controls order by control_id")
    found = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    return [one | {"said": RESULTS[one["result"]]} for one in found]


def _told(controls: list[dict[str, Any]]) -> Text:
    """How many controls hold, and that none was skipped: a publication of which one was does not exist."""
    counts = {result: sum(one["result"] == result for one in controls) for result in RESULTS}
    run, expected = (sum(one[key] for one in controls) for key in ("checks_run", "checks_expected"))
    return Text(
        f"{len(controls)} 项控制：{counts['held']} 项成立，{counts['failed']} 项未成立，{counts['not_applicable']} 项不适用；"
        f"应执行 {expected} 项检验，实际执行 {run} 项，跳过的控制 {counts['not_run']} 项。",
        f"{len(controls)} controls: {counts['held']} held, {counts['failed']} failed, {counts['not_applicable']} not applicable; "
        f"{run} of {expected} checks ran, controls skipped: {counts['not_run']}.",
    )


def _scope(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any], publication: dict[str, Any]) -> list[Text]:
    loans, written_off = connection.sql(
        f"select count(*), count(*) filter (is_written_off) from loan_aging where as_of = date '{publication['as_of']}'"
    ).fetchone()
    rows = sum(facts["rows"] for facts in manifest["marts"].values())
    dates, marts = len(manifest["dates"]), len(manifest["marts"])
    kept_out, amount = publication["open_quarantine_rows"] or 0, publication["open_quarantine_amount"] or 0
    lines = [
        Text(
            f"{dates} 个日期，{marts} 张集市表共 {rows:,} 行；已发放且未结清的贷款 {loans:,} 笔，其中已核销 {written_off:,} 笔。",
            f"Dates: {dates}; marts: {marts}, with {rows:,} rows; loans disbursed and not closed: {loans:,}, of which written off: {written_off:,}.",
        ),
        Text(
            f"不在数字之内：隔离区中尚未更正的 {kept_out:,} 行，涉及金额 {amount:,}。",
            f"Kept out of the figures: {kept_out:,} rows in quarantine that were not put right, with {amount:,}.",
        ),
    ]
    if publication["flags_known_from"]:
        day = publication["flags_known_from"]
        lines.append(
            Text(
                f"减值等标识自 {day} 起才有数据，此前无人说过。",
                f"Flags such as credit-impaired are known from {day}; before it nobody said anything.",
            )
        )
    (compared,) = (
        connection.sql("select count(*) from reconciliation where status <> 'no_gl'").fetchone()
        if "reconciliation" in manifest["marts"]
        else (0,)
    )
    if not compared:
        lines.append(Text("未与总账核对。", "Not reconciled with the general ledger."))
    if manifest["withdrawn"]:
        names = ", ".join(
            str(one.get("delivery", one)) if isinstance(one, dict) else str(one) for one in manifest["withdrawn"]
        )
        lines.append(Text(f"已撤回、不予采用的批次：{names}。", f"Deliveries withdrawn and left out: {names}."))
    return lines


def _ledgers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows and amounts of each ledger over all deliveries, and whether what was read is all accounted for."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0] * len(OUTCOMES))
    amounts: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(OUTCOMES))
    for entry in (e for delivery in manifest["deliveries"] for file in delivery["files"] for e in file["ledgers"]):
        ledger = entry["ledger"]
        rows[ledger] = [count + entry[f"rows_{name}"] for count, name in zip(rows[ledger], OUTCOMES, strict=True)]
        amounts[ledger] = [
            sum_ + Decimal(entry[f"amount_{name}"]) for sum_, name in zip(amounts[ledger], OUTCOMES, strict=True)
        ]
    return [
        {
            "ledger": ledger,
            "rows": rows[ledger],
            "amount_read": amounts[ledger][0],
            "amount_quarantined": amounts[ledger][-1],
            "adds_up": all(whole == sum(parts) for whole, *parts in (rows[ledger], amounts[ledger])),
        }
        for ledger in sorted(rows)
    ]


def _facts(manifest: dict[str, Any], publication: dict[str, Any]) -> list[tuple[tuple[str, str], Any]]:
    return [
        (("运行", "Run"), manifest["run_id"]),
        (("开始于", "Started"), manifest["started_at"]),
        (("发布于", "Published"), f"{publication['published_at']} UTC"),
        (("政策版本", "Policy version"), manifest["policy_version"]),
        (("程序版本", "Code version"), manifest["code_version"]),
        (("参数表", "Seeds"), len(manifest["seeds"])),
        (("交付批次", "Deliveries"), len(manifest["deliveries"])),
        (("与之比较的此前运行", "Earlier runs compared with"), ", ".join(manifest["compared"][-6:]) or "–"),
    ]
