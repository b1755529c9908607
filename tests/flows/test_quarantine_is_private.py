"""What the command shows of the quarantine holds no personal data, also where a row's fields have shifted."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
from support import new_home

from flows.home import Delivery
from flows.land import commit, prepare
from flows.policy import read_policy
from flows.quarantine import list_quarantine

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
