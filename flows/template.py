"""Write empty files to fill in: a workbook and a CSV for each ledger, with an explanation, a header and an example row.

The explanation stands above the header, and the mapping.yml beside the files says so: a template delivered as it is, loads.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import yaml

from flows.errors import UsageError
from flows.home import UNUSABLE, shown
from flows.ledgers import Column, Ledger, ledgers

# An example of one small book: every id names a row that another ledger's example holds.
EXAMPLES = {
    "customer_id": "C-1",
    "loan_id": "L-1",
    "product_id": "P-1",
    "advance_id": "A-1",
    "repayment_id": "R-1",
    "charge_id": "F-1",
    "advance_repayment_id": "AR-1",
    "collateral_id": "G-1",
    "contact_point_id": "T-1",
    "attempt_id": "K-1",
    "gl_account": "1303",
    "currency": "CNY",
    "principal": "12000.00",
    "principal_due": "1000.00",
    "interest_due": "43.50",
    "annual_rate": "0.0435",
    "rate": "7.1",
    "installment_no": "1",
    "disbursed_on": "2026-01-05",
    "matures_on": "2027-01-05",
    "due_on": "2026-02-05",
    "paid_on": "2026-02-05",
    "advanced_on": "2026-01-05",
    "adjustment_id": "J-1",
    "prepared_by": "Wu",
    "approved_by": "Li",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "from_on": "2026-03-01",
    "to_on": "2026-03-15",
    "attempted_at": "2026-02-20 10:30:00",
}
BY_TYPE = {
    "date": "2026-01-31",
    "timestamp": "2026-01-31 10:30:00",
    "amount": "1000.00",
    "positive": "1000.00",
    "signed": "1000.00",
    "rate": "0.1",
    "integer": "1",
    "boolean": "true",
    "text": "x",
}
ZH = {
    "text": "文本",
    "date": "日期，如 2026-01-31",
    "timestamp": "时间，如 2026-01-31 10:30:00（未写时区即北京时间）",
    "amount": "金额，不为负，至多两位小数",
    "positive": "金额，大于 0，至多两位小数",
    "signed": "金额，至多两位小数",
    "rate": "小数，或带 %、‰",
    "integer": "整数",
    "boolean": "是/否",
}


def write_templates(folder: Path, lang: str) -> dict[str, Any]:
    """`arrears template`: FOLDER/arrears.xlsx with a sheet for each ledger, FOLDER/<ledger>.csv, and a mapping for each of both."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    try:
        said = "is there already and is not empty"
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            said = ""
            for kind in ("csv", "workbook"):
                (folder / kind).mkdir(parents=True)
    except OSError as error:
        if error.errno not in UNUSABLE:
            raise
        said = f"cannot be used as a folder ({error.strerror})"
    if said:
        raise UsageError(f"DIR {shown(folder)}: {said}. Give a folder that does not exist yet.")
    book = Workbook()
    book.remove(book.active)
    for ledger in ledgers().values():
        lines = [_explained(ledger, lang), _header(ledger, lang), _example(ledger, lang)]
        with open(folder / "csv" / f"{ledger.name}.csv", "w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(lines)
        sheet = book.create_sheet(ledger.name)
        for line in lines:
            sheet.append(line)
        for number, cells in enumerate(zip(*lines, strict=True), start=1):
            sheet.column_dimensions[get_column_letter(number)].width = min(40, max(12, *map(len, cells[1:])))
        for cell in sheet[1]:
            cell.alignment, cell.font = Alignment(wrap_text=True, vertical="top"), Font(italic=True, color="666666")
        for cell in sheet[2]:
            cell.font = Font(bold=True)
        for row in sheet.iter_rows(min_row=3, max_row=200):
            for cell in row:
                cell.number_format = "@"  # text: a spreadsheet then changes neither ids nor dates
        sheet.freeze_panes = "A3"
    book.save(folder / "workbook" / "arrears.xlsx")
    for kind in ("csv", "workbook"):
        entries = {
            name: [{"file": f"{name}.csv", "header_line": 2}]
            if kind == "csv"
            else [{"file": "arrears.xlsx", "sheet": name, "header_line": 2}]
            for name in ledgers()
        }
        text = yaml.safe_dump({"ledgers": entries}, sort_keys=False, default_flow_style=None)
        (folder / kind / "mapping.yml").write_text(text, "utf-8")
    said = {
        "en": f"Written to {folder}: csv/ and workbook/. Fill in one of them (leave out what you do not have), and put its files "
        "and mapping.yml into LANDING/<date>/.",
        "zh": f"已写入 {folder}：csv/ 与 workbook/ 任选其一填写（没有的台账可以不要），连同 mapping.yml 放进 LANDING/<日期>/。",
    }
    return {"status": "ok", "exit_code": 0, "folder": str(folder), "_text": said[lang]}


def _header(ledger: Ledger, lang: str) -> list[str]:
    return [column.zh[0] if lang == "zh" and column.zh else column.name for column in ledger.columns.values()]


def _explained(ledger: Ledger, lang: str) -> list[str]:
    needed = {"zh": "必填", "en": "required"}[lang]
    return [
        (needed + {"zh": "；", "en": "; "}[lang] if column.name in ledger.required or column.name in ledger.key else "")
        + _allowed(column, lang)
        for column in ledger.columns.values()
    ]


def _allowed(column: Column, lang: str) -> str:
    if lang == "en":
        return column.allowed_words
    if column.codes:
        return "、".join(column.codes.values())
    return "ISO 4217 币种代码，如 CNY" if column.seed == "currency" else ZH[column.type]


def _example(ledger: Ledger, lang: str) -> list[str]:
    """Required columns and keys filled in, all others empty: a template says what must be there."""
    filled = {*ledger.required, *ledger.key}
    if "currency" in ledger.columns:
        filled.add("currency")
    row = {column.name: _value(column, lang) if column.name in filled else "" for column in ledger.columns.values()}
    if ledger.name == "fx_rates":
        row["currency"] = "USD"
    return list(row.values())


def _value(column: Column, lang: str) -> str:
    if column.codes:
        code = next(iter(column.codes))
        return column.codes[code] if lang == "zh" else code
    if column.type == "boolean" and lang == "zh":
        return "是"
    return EXAMPLES.get(column.name) or BY_TYPE[column.type]
