"""`arrears sample`: an audit sample of a publication, drawn the same way on every machine, and the workbook that an auditor fills in
(decision 0113). Reads the publication only; no personal data is in it. That it was drawn is on record in the chain.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flows import chain
from flows.controls import who_runs
from flows.database import connect, quote, quote_path
from flows.errors import UsageError
from flows.home import Home, as_json, existing_home, hold, may, new_run_id, now_text
from flows.publish import publication_of
from flows.sign import text_of

MOST = 100_000  # rows that somebody looks at
AMOUNT = {  # what is drawn from, and the amount that weighs
    "book": ("账面贷款：未偿本金", "loans of the book, by outstanding principal"),
    "late": ("逾期贷款：逾期贷款余额", "late loans, by overdue balance"),
    "restated": ("被重述过的贷款：未偿本金", "loans whose earlier figures were restated, by outstanding principal"),
    "closed": ("已结清贷款：发放本金", "closed loans, by principal disbursed"),
}
METHODS = {
    "monetary_unit": ("货币单位抽样（固定间隔）", "monetary unit, fixed interval"),
    "random": ("简单随机抽样", "simple random"),
}
# Columns of a row drawn: name, header in Chinese and English. Those after them are for the auditor.
SHOWN = (
    ("no", "序号", "No."),
    ("loan_id", "贷款编号", "Loan"),
    ("customer_id", "客户编号", "Customer"),
    ("product_id", "产品", "Product"),
    ("branch_id", "机构", "Branch"),
    ("disbursed_on", "发放日", "Disbursed on"),
    ("closed_on", "结清日", "Closed on"),
    ("currency", "币种", "Currency"),
    ("amount", "账面金额", "Amount recorded"),
    ("outstanding_principal", "未偿本金", "Outstanding principal"),
    ("overdue_amount", "逾期金额", "Overdue amount"),
    ("days_past_due", "逾期天数", "Days past due"),
    ("hits", "命中次数", "Times drawn"),
)
TO_FILL = (
    ("已见证据", "Evidence seen"),
    ("查验人", "Seen by"),
    ("是否相符", "Agreed?"),
    ("审定金额", "Amount audited"),
    ("差异", "Difference"),
    ("备注", "Remarks"),
)


@dataclass(frozen=True)
class Population:
    """What is drawn from: loans, their total in cents, and the hash of `loan_id|amount` by loan_id, a line each."""

    count: int
    cents: int
    sha256: str
    others: int  # loans in other currencies, which are not in it

    @property
    def total(self) -> Decimal:
        return Decimal(self.cents).scaleb(-2)


def sample(
    home: Path,
    run: str | None,
    size: int,
    seed: int,
    of: str,
    method: str,
    currency: str | None,
    path: Path | None,
    name: str | None = None,
    wait: float = 0,
) -> dict[str, Any]:
    """What `arrears sample` says; the same seed and publication give the same rows everywhere.

    That it was drawn is put on record, as a signature is; where HOME cannot be written in, it is drawn all the same, and said.
    """
    place = existing_home(home)
    publication, manifest = publication_of(place, run or "current")
    if not 1 <= size <= MOST:
        raise UsageError(f"--size {size}: is not allowed. Allowed: 1 to {MOST:,}.")
    currency = currency or manifest["settings"]["reporting_currency"]
    path = path or Path(f"sample-{of}-{manifest['as_of']}-{seed}.xlsx")
    if path.suffix.lower() != ".xlsx":
        raise UsageError(f"--to {path}: is no workbook. Give a file whose name ends with .xlsx.")
    if path.exists():
        raise UsageError(f"--to {path}: exists already, and somebody may have filled it in. Give another file.")
    who = text_of("--as", name) if name is not None else who_runs()
    kept = None
    lock = place.root / "home.lock"
    if all(may(path, os.W_OK) for path in (place.root, place.audit, *([lock] if lock.exists() else []))):
        sample_id = new_run_id()
        with hold(place, sample_id, "arrears sample", wait):
            publication, manifest = publication_of(place, run or "current")  # in here, where no run can rotate it away
            told, drawn = draw(publication, manifest, size, seed, of, method, currency)
            _write(path, told, drawn)
            kept = _recorded(place, sample_id, who, told)
    else:
        told, drawn = draw(publication, manifest, size, seed, of, method, currency)
        _write(path, told, drawn)
    said = (
        f"{len(drawn)} loans drawn ({METHODS[method][1]}, seed {seed}) of {told['population_count']:,} with "
        f"{told['population_total']:,} {currency} ({AMOUNT[of][1]}, as of {manifest['as_of']}, run {manifest['run_id']})."
        + (f" Interval {told['interval']:,}." if told["interval"] is not None else "")
        + (
            f" Not in it: {told['other_currencies_count']:,} in other currencies (--currency)."
            if told["other_currencies_count"]
            else ""
        )
    )
    on_record = (
        f"On record as {kept}, drawn by {who}."
        if kept
        else f"Nothing was recorded: {place.root} cannot be written in by {who_runs()}. Somebody who may draws it again, for the record."
    )
    outcome = {"status": "ok", "exit_code": 0, **told, "drawn_by": who, "record": kept}
    return {**outcome, "file": str(path), "sample": drawn, "_text": f"{said}\nTo fill in: {path}\n{on_record}"}


def draw(
    publication: Path, manifest: dict[str, Any], size: int, seed: int, of: str, method: str, currency: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What was drawn from a publication, and the rows; UsageError where there is nothing to draw from."""
    with connect() as connection:
        population = _population(connection, publication, manifest["as_of"], of, currency)
        drawn, interval, start = _drawn(connection, population, size, seed, method)
    told = {
        **{"run_id": manifest["run_id"], "as_of": manifest["as_of"], "known_at": manifest["known_at"]},
        **{"of": of, "method": method, "seed": seed, "size": size, "rows": len(drawn), "currency": currency},
        **{"population_count": population.count, "population_total": population.total},
        **{"population_sha256": population.sha256, "other_currencies_count": population.others},
        **{"interval": interval, "start": start, "sample_total": sum((r["amount"] for r in drawn), Decimal(0))},
        "rows_sha256": rows_sha256(drawn),
        "manifest_sha256": chain.hash_of((publication / chain.MANIFEST).read_bytes()),
    }
    return told, drawn


def rows_sha256(drawn: list[dict[str, Any]]) -> str:
    """sha256 of `no|loan_id|amount|hits`, a line each, in the order drawn."""
    lines = (f"{row['no']}|{row['loan_id']}|{row['amount']}|{row['hits']}\n" for row in drawn)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


KEPT = ("of", "method", "seed", "size", "currency", "population_count", "population_sha256", "rows", "rows_sha256")


def _recorded(home: Home, sample_id: str, who: str, told: dict[str, Any]) -> str:
    """Put on record that a sample was drawn: an audit pack of its own, in the chain like a run."""
    said = {
        "run_id": sample_id,
        "status": chain.SAMPLED,
        "ended_at": now_text(),
        "sampled": told["run_id"],
        "as_of": told["as_of"],
        "sampled_manifest_sha256": told["manifest_sha256"],
        "drawn_by": who,
        "user": who_runs(),
        **{name: told[name] for name in KEPT},
        "population_total": str(told["population_total"]),
        "previous": chain.read(home).head,
    }
    chain.record(home, sample_id, as_json(said))
    return sample_id


def _population(
    connection: duckdb.DuckDBPyConnection, publication: Path, as_of: str, of: str, currency: str
) -> Population:
    """Fill `population`, one row a loan; raises UsageError where there is none."""
    mart = f"read_parquet({quote_path(publication / 'parquet' / 'loan_aging.parquet')})"
    open_loans = f"select *, null::date as closed_on from {mart} where as_of = date '{as_of}'"
    amount = {"late": "overdue_balance", "closed": "principal"}.get(of, "outstanding_principal")
    where, source = "not is_written_off", open_loans
    if of == "late":
        where += " and days_past_due > 0"
    elif of == "restated":
        restated = quote_path(publication / "parquet" / "restatements.parquet")
        where = f"loan_id in (select loan_id from read_parquet({restated}))"
    if of in ("restated", "closed"):
        connection.execute(f"attach {quote(str(publication / 'evidence.duckdb'))} as evidence (read_only)")
        if not connection.sql("select * from duckdb_tables() where table_name = 'closed_loans'").fetchall():
            raise UsageError(
                f"--of {of}: this run was published by a version that kept no list of closed loans. Give a later RUN."
            )
        closed = "select *, 0::decimal(18, 2) as outstanding_principal from evidence.closed_loans"
        source = (
            f"({open_loans}) union all by name ({closed})"
            if of == "restated"
            else f"({open_loans} limit 0) union all by name ({closed})"
        )
        where = where if of == "restated" else "true"
    columns = ", ".join(name for name, *_ in SHOWN if name not in ("no", "amount", "hits"))
    connection.execute(
        f"create temp table everything as select {columns}, {amount} as amount from ({source}) where {where}"
    )
    known = dict(connection.sql("select currency, count(*) from everything group by currency order by 1").fetchall())
    if currency not in known:
        there = f"it has loans in {', '.join(known)}" if known else "it has none at all"
        raise UsageError(f"--of {of}, --currency {currency}: there is nothing to draw from; {there}.")
    connection.execute(f"create temp table population as from everything where currency = {quote(currency)}")
    digest, cents = hashlib.sha256(), 0
    rows = connection.execute("select loan_id, amount, (amount * 100)::hugeint from population order by loan_id")
    while found := rows.fetchmany(50_000):
        digest.update("".join(f"{loan}|{money}\n" for loan, money, _ in found).encode())
        cents += sum(max(units, 0) for *_, units in found)
    return Population(known[currency], cents, digest.hexdigest(), sum(known.values()) - known[currency])


def _drawn(
    connection: duckdb.DuckDBPyConnection, population: Population, size: int, seed: int, method: str
) -> tuple[list[dict[str, Any]], Decimal | None, Decimal | None]:
    """The rows drawn, in the order drawn; for monetary units the interval and the start, in money.

    The k-th unit drawn is the cent (start + k × total) // size of all cents laid end to end; what is larger than the interval is
    drawn for certain, and may be drawn more than once.
    """
    text = (Path(__file__).parent / "sample.sql").read_text("utf-8")
    connection.execute(text, {"seed": str(seed)})
    columns = ", ".join(name for name, *_ in SHOWN if name not in ("no", "hits"))
    interval = start = None
    if method == "random":
        query = f"select {columns}, 1 as hits from ordered where place <= {size} order by place"
    else:
        if population.cents == 0:
            raise UsageError(
                "--method monetary_unit: the amounts of this population are 0, so none can be drawn by them. Give --method random."
            )
        first = int(hashlib.sha256(f"{seed}|start".encode()).hexdigest(), 16) % population.cents
        units = [((first + number * population.cents) // size,) for number in range(size)]
        connection.execute("create temp table units (cent hugeint)")
        connection.execute(f"insert into units select unnest([{', '.join(str(unit) for (unit,) in units)}]::hugeint[])")
        interval = (population.total / size).quantize(Decimal("0.01"))
        start = Decimal(units[0][0]).scaleb(-2)
        query = f"""
            select {columns}, hits
            from (
                select ordered.place, count(*) as hits
                from units
                asof inner join (from ordered where cents > 0) as ordered on units.cent >= ordered.begins_at
                group by ordered.place
            )
            inner join ordered using (place)
            order by place
        """
    relation = connection.sql(query)
    names = ["no", *relation.columns]
    rows = [dict(zip(names, (number, *row), strict=True)) for number, row in enumerate(relation.fetchall(), 1)]
    return [{name: row[name] for name, *_ in SHOWN} for row in rows], interval, start


def _write(path: Path, told: dict[str, Any], drawn: list[dict[str, Any]]) -> None:
    """The workbook: the sample to fill in, and how it was drawn; renamed into its place when it is whole."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    def put(sheet: Any, row: int, column: int, value: Any) -> Any:
        cell = sheet.cell(row, column, value)
        if isinstance(value, str):
            cell.data_type = "s"  # an id that begins with = is no formula
        if isinstance(value, Decimal):
            cell.number_format = "#,##0.00"
        return cell

    book = Workbook()
    sheet = book.active
    sheet.title = "样本 Sample"
    heads = [(zh, en) for _, zh, en in SHOWN] + [*TO_FILL]
    pale = PatternFill("solid", fgColor="FFF4CC")
    for column, (zh, en) in enumerate(heads, 1):
        for row, text in ((1, zh), (2, en)):
            cell = put(sheet, row, column, text)
            cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(column)].width = 16
    recorded, audited = (get_column_letter(n) for n in (9, len(SHOWN) + 4))
    for row, one in enumerate(drawn, 3):
        for column, value in enumerate(one.values(), 1):
            put(sheet, row, column, value)
        for column in range(len(SHOWN) + 1, len(heads) + 1):
            sheet.cell(row, column).fill = pale
        sheet.cell(row, len(SHOWN) + 4).number_format = "#,##0.00"
        difference = sheet.cell(row, len(SHOWN) + 5, f'=IF({audited}{row}="","",{audited}{row}-{recorded}{row})')
        difference.number_format = "#,##0.00"
    agreed = DataValidation(type="list", formula1='"是 yes,否 no"', allow_blank=True)
    sheet.add_data_validation(agreed)
    agreed.add(f"{get_column_letter(len(SHOWN) + 3)}3:{get_column_letter(len(SHOWN) + 3)}{max(3, len(drawn) + 2)}")
    sheet.freeze_panes = "C3"

    about = book.create_sheet("方法 Method")
    about.column_dimensions["A"].width, about.column_dimensions["B"].width, about.column_dimensions["C"].width = (
        26,
        34,
        72,
    )
    for row, (zh, en, value) in enumerate(_method(told), 1):
        for column, text in enumerate((zh, en, value), 1):
            cell = put(about, row, column, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top", horizontal="left")
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as target:
            book.save(target)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(
            f"--to {path}: cannot be written ({error.strerror}). Give a file in a folder of yours."
        ) from error


def _method(told: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """How it was drawn: Chinese, English, value; enough to draw it again by hand."""
    of, method = AMOUNT[told["of"]], METHODS[told["method"]]
    lines: list[tuple[str, str, Any]] = [
        ("总体", "Population", f"{of[0]} · {of[1]}"),
        ("方法", "Method", f"{method[0]} · {method[1]}"),
        ("随机种子", "Seed", told["seed"]),
        ("要求的样本量", "Size asked for", told["size"]),
        ("抽中笔数", "Loans drawn", told["rows"]),
        ("抽中金额", "Amount drawn", told["sample_total"]),
        ("币种", "Currency", told["currency"]),
        ("总体笔数", "Loans in the population", told["population_count"]),
        ("总体金额", "Total of the population", told["population_total"]),
        ("其他币种的笔数（不在总体内）", "Loans in other currencies, not in it", told["other_currencies_count"]),
        ("总体的 SHA-256", "sha256 of the population", told["population_sha256"]),
        ("截至", "As of", told["as_of"]),
        ("数据截至交付批次", "Known at delivery", told["known_at"]),
        ("运行", "Run", told["run_id"]),
        ("清单的 SHA-256", "sha256 of the manifest", told["manifest_sha256"]),
    ]
    how = (
        "按 sha256(种子|贷款编号) 升序排列；总体的 SHA-256 取自按编号排列的「贷款编号|金额」逐行文本（每行以换行结束）。",
        "In ascending order of sha256(seed|loan_id), as hexadecimal. The population's sha256 is that of lines loan_id|amount in order of "
        "loan_id, each ended by a line feed.",
    )
    if told["method"] == "monetary_unit":
        lines += [("间隔", "Interval", told["interval"]), ("起点", "Start", told["start"])]
        how = (
            how[0]
            + "金额以分首尾相接，第 k 个（自 0 起）命中 (起点数 + k × 总额) ÷ 样本量 取整的那一分，起点数为 sha256(种子|start) 除以总额之余数。"
            "金额为 0 或负的不会被抽中。",
            how[1]
            + " Amounts in cents are laid end to end in that order; hit k, from 0, is the cent (s + k × total) ÷ size, rounded down, "
            "s being sha256(seed|start) modulo the total. An amount of 0 or below cannot be drawn.",
        )
    else:
        how = (how[0] + "取前若干笔。", how[1] + " The first ones are taken.")
    return [*lines, ("如何重抽", "To draw it again", f"{how[0]}\n{how[1]}")]
