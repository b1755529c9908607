"""What the command shows of the quarantine holds no personal data, also where a row's fields have shifted."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from support import new_home

from flows.errors import DeliveryRefused
from flows.home import Delivery
from flows.land import commit, prepare
from flows.masking import mask
from flows.policy import read_policy
from flows.quarantine import by_reason, list_quarantine, told_by_reason

FILES = {
    # the second row has lost its key and gained a field: a name stands where the key should be
    "customers": "customer_id,segment,name,phone\nC1,personal,王小明,14200000001\n李四光,14200000002,personal,x,y\n",
    "loans": "loan_id,customer_id,disbursed_on,principal,currency\nL1,C1,2026-01-01,100,CNY\nL2,C1,2026-01-32,100,CNY\n",
    "installments": "loan_id,installment_no,due_on,principal_due\n",
    "repayments": "repayment_id,loan_id,paid_on,amount\n",
}


def test_shifted_fields_are_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "2026-01-31"
    folder.mkdir(parents=True)
    for ledger, text in FILES.items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")
    home = new_home(tmp_path / "home")
    prepared = prepare(tmp_path / "landing", home, Delivery(date(2026, 1, 31)), read_policy())
    with duckdb.connect(str(prepared.gate_database), read_only=True) as gate:
        assert "李四光" not in str(gate.sql("select * from quarantine").fetchall())
    commit(home, prepared)

    listed = list_quarantine(home.root, None, None, False, 50)
    shown = json.dumps(listed, ensure_ascii=False)
    assert listed["total"] == 2
    assert "李四光" not in shown
    assert "14200000002" not in shown
    assert "disbursed_on '2026-01-32' is not a date" in listed["_text"]
    raw = duckdb.sql(f"select raw from read_parquet('{home.raw}/*/quarantine.parquet') where ledger = 'customers'")
    assert raw.fetchall() == [("李四光,14200000002,personal,x,y",)]


SLID = {
    "customers": (
        "customer_id,segment,name,id_number,phone,opened_on\n"
        "C1,personal,王小明,110101199001011237,14200000001,2026-01-05\n"
        "personal,赵钱孙,110101199001011238,14200000003,2026-01-05,\n"  # everything one place to the left
        "C3,周吴郑,personal,110101199001011239,14200000004,2026-01-05\n"
        "C4,personal,冯陈褚,110101199001011240,2026-01-05,14200000005\n"
        "C5,personal,蒋沈韩,110101199001011241,14200000006,2026-01-32\n"
    ),
    "contact_points": "contact_point_id,customer_id,kind,value\nP1,14200000007,phone,C1\n杨朱秦,C1,13800000008,phone\n",
}


def told(tmp_path: Path, files: dict[str, str]) -> str:
    """All that is said of a delivery outside of the warehouse."""
    folder = tmp_path / "landing" / "2026-01-31"
    folder.mkdir(parents=True)
    for ledger, text in (FILES | files).items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")
    home = new_home(tmp_path / "home")
    prepared = prepare(tmp_path / "landing", home, Delivery(date(2026, 1, 31)), read_policy())
    with duckdb.connect(str(prepared.gate_database), read_only=True) as gate:
        said = [str(gate.sql("from quarantine").fetchall()), str(gate.sql("from warnings").fetchall())]
    said.append(told_by_reason(by_reason(prepared.folder / "quarantine.parquet"), ""))
    commit(home, prepared)
    said.append(json.dumps(list_quarantine(home.root, None, None, False, 50), ensure_ascii=False))
    return "\n".join(said)


def test_fields_that_slid_to_another_column_are_masked(tmp_path: Path) -> None:
    said = told(tmp_path, SLID)
    for marker in (
        "赵钱孙",
        "周吴郑",
        "冯陈褚",
        "杨朱秦",
        *(f"1420000000{n}" for n in range(2, 8)),
        "13800000008",
        "11010119",
    ):
        assert marker not in said, marker
    assert f"segment {mask('周吴郑')} is not a known code. Allowed: one of personal" in said
    assert "opened_on '2026-01-32' is not a date" in said, "what has the look of its column is shown"


@pytest.mark.parametrize("ledger", ["customers", "loans"])
def test_a_row_in_the_place_of_a_header_is_masked(tmp_path: Path, ledger: str) -> None:
    with pytest.raises(DeliveryRefused) as refused:
        told(tmp_path, {ledger: "C1,personal,王小明,110101199001011237,14200000001,2026-01-05\n"})
    said = str(refused.value)
    assert "needs the column" in said
    assert f"{mask('王小明')!r}" in said
    assert not [marker for marker in ("王小明", "11010119", "14200000001") if marker in said]


def test_a_header_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(DeliveryRefused, match="the header has '客户号码X', 'segment', '逾期90', 'name'"):
        told(tmp_path, {"customers": "客户号码X,segment,逾期90,name\nC1,personal,3,王小明\n"})


def test_a_mask_tells_little() -> None:
    assert mask("王小明") == "王… (3 characters, #" + mask("王小明")[-5:]
    assert re.fullmatch(r"1…7 \(11 characters, #[0-9a-f]{4}\)", mask("14200000007"))
    assert mask("") == f"… (0 characters, #{mask('')[-5:]}"
