"""Rows that are unusual and right stop no book: the night publishes, and its proofs agree with it."""

from __future__ import annotations

from pathlib import Path

from bad_input.lender import BOOK
from end_to_end.conftest import Command
from end_to_end.nights import nightly
from support import new_home, rows_of

UNUSUAL = {
    "loans": (
        "L-VND,C1,2024-01-05,2024-07-05,30000000000.00,VND\n"  # a thousand times a rate of six decimals are beyond 18 digits
        "L-LOST,C2,2020-01-05,2020-07-05,9000000000000.00,VND\n"
        "L-1980,C1,1979-01-05,1985-07-05,1000.00,CNY\n"
        "L-BACK,C1,2026-01-05,2026-07-05,1000.00,CNY\n"
        "L-2199,C1,2026-01-05,2199-07-05,1000.00,CNY\n"
        "L-NEVER,C2,2026-01-05,9999-12-31,1000.00,CNY\n"
    ),
    "installments": (
        "L-VND,1,2024-02-05,30000000000.00\n"
        "L-LOST,1,2020-02-05,9000000000000.00\n"
        "L-1980,1,1980-02-05,1000.00\n"
        "L-BACK,1,2025-12-05,1000.00\n"
        "L-2199,1,2199-02-05,1000.00\n"
    ),
}
MORE = {
    "collateral": "collateral_id,loan_id,kind,value,valued_on\nK1,L-VND,real_estate,29000000000.00,2024-01-05\n",
    "fx_rates": "as_of,currency,rate\n2019-01-01,VND,0.0003\n2019-01-01,CNY,1\n",
}


def test_unusual_rows_stop_no_book(arrears: Command, tmp_path: Path) -> None:
    home = new_home(tmp_path / "home").root
    folder = home / "landing" / "2026-02-28"
    folder.mkdir(parents=True)
    for ledger, text in {**BOOK, **MORE}.items():
        (folder / f"{ledger}.csv").write_text(text + UNUSUAL.get(ledger, ""), "utf-8")
    night = arrears(*nightly(home, "--as-of", "2026-02-28", "--json"))
    assert night.code == 0, night.err
    aged = rows_of(Path(night.json["publication"]) / "marts.duckdb", "from loan_aging")
    found = {row["loan_id"]: (row["days_past_due"], row["overdue_amount"]) for row in aged}
    assert found["L-VND"] == (754, 30_000_000_000)
    assert found["L-1980"][0] == 16_825
    assert found["L-BACK"][0] == 85
    assert found["L-2199"][0] == found["L-NEVER"][0] == 0
