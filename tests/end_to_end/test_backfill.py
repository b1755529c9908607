"""`arrears backfill` as a risk analyst runs it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

ASKED = ["2026-08-31", "2026-09-30", "2026-10-31"]


def backfill(home: Path, first: str, last: str) -> list[str]:
    return ["backfill", "--from", first, "--to", last, "--every", "month-end", "--home", str(home), "--json"]


def test_many_dates_are_one_publication_as_of_the_last(home: Path, arrears) -> None:
    ended = arrears(*backfill(home, ASKED[0], ASKED[-1]))
    assert ended.code == 0, ended.err
    publication = Path(ended.json["publication"])
    assert (home / "published" / "current").resolve() == publication.resolve()
    manifest = json.loads((publication / "manifest.json").read_text())
    assert (manifest["status"], manifest["as_of"]) == ("published", ASKED[-1])
    assert manifest["dates"] == ASKED
    with duckdb.connect(str(publication / "marts.duckdb"), read_only=True) as reader:
        dates = reader.sql("select distinct as_of from marts.loan_aging order by all").fetchall()
        links = reader.sql(
            "select distinct from_as_of, as_of, is_partial from marts.roll_rates order by all"
        ).fetchall()
    assert [str(day) for (day,) in dates] == ASKED
    assert [(str(a), str(b), c) for a, b, c in links] == [(*ASKED[:2], False), (*ASKED[1:], False)]


def test_a_range_without_a_date_is_refused(home: Path, arrears) -> None:
    standing = (home / "published" / "current").resolve()
    for first, last, said in (
        ("2026-10-01", "2026-10-30", "no date lies between them. Give dates with a month-end between them."),
        ("2026-10-31", "2026-09-30", "no date lies between them. Give --from before --to."),
    ):
        refused = arrears(*backfill(home, first, last))
        assert refused.code == 2
        assert said in refused.err
    assert (home / "published" / "current").resolve() == standing
