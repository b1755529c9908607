"""The command as a data engineer runs it: what is published, how it ends, what stands when it fails."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from end_to_end.nights import hashes, next_delivery, nightly

from flows.case import case_of, worst_customer


def test_demo_publishes_both_nights_and_says_where_to_look(demo: Path) -> None:
    said = json.loads((demo / "demo.json").read_text())
    assert [night["as_of"] for night in said["nights"]] == ["2026-09-30", "2026-10-31"]
    current = demo / "published" / "current"
    assert current.is_symlink()
    assert current.resolve() == Path(said["nights"][-1]["publication"]).resolve()
    manifest = json.loads((current / "manifest.json").read_text())
    assert manifest["status"] == "published"
    assert manifest["known_at"] == "2026-10-31"
    assert {"loan_aging", "aging_distribution", "quarantine_summary"} <= manifest["marts"].keys()
    for mart, facts in manifest["marts"].items():
        assert duckdb.sql(f"select count(*) from '{current}/parquet/{mart}.parquet'").fetchone()[0] == facts["rows"]
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as reader:
        names = reader.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        assert {name for (name,) in names} == {f"main.{mart}" for mart in (*manifest["marts"], "publication")}
        (itself,) = reader.execute("select run_id, deliveries, gates, warnings from publication").fetchall()
        assert itself[:2] == (manifest["run_id"], "2026-09-30, 2026-10-31")
        assert itself[2].startswith("landing-2026-10-31: passed, ")
        assert itself[2:] == (manifest["publication"]["gates"], manifest["publication"]["warnings"])
        loans = reader.sql("select count(*) from loan_aging").fetchone()[0]
        assert loans > 100
        assert reader.sql("select count(*) from marts.loan_aging").fetchone()[0] == loans
        comment = (
            "select comment from duckdb_columns() where table_name = 'loan_aging' and column_name = 'days_past_due'"
        )
        assert "逾期天数" in reader.sql(comment).fetchone()[0]
    assert len(said["planted"]) == sum(f["rows_quarantined"] for d in manifest["deliveries"] for f in [d])
    assert (current / "validation" / "publication" / "index.html").is_file()


def test_the_demo_has_something_to_show_of_collection(demo: Path) -> None:
    """Breaches of several rules, customers who are lost, promises of each status, work that is due and work that is held."""
    marts = ("contactability", "collection_worklist", "contact_breaches", "conduct_rules", "promises")
    marts += ("contact_timing", "contact_moves", "contact_effect")
    with duckdb.connect() as reader:
        reader.execute(f"attach '{demo}/published/current/marts.duckdb' as marts (read_only)")

        def of(query: str) -> set[str]:
            return {value for (value,) in reader.sql(query).fetchall()}

        for mart in marts:
            assert reader.sql(f"select count(*) from marts.{mart}").fetchone()[0] > 0, mart
        reader.execute("use marts")
        assert len(of("select rule_id from contact_breaches where status = 'breach'")) > 4
        assert of("select is_lost_contact from contactability") == {True, False}
        assert of("select status from promises") == {"kept", "partly_kept", "broken", "open"}
        kept, all_over = reader.sql(
            "select count(*) filter (status = 'kept'), count(*) from promises where status <> 'open'"
        ).fetchone()
        assert 0.3 < kept / all_over < 0.7  # about as often as lenders report
        # an agency of three keeps the rules
        assert of(
            "select distinct status from conduct_rules where rule_id like '%AGENCY%' or rule_id like '%WHITELIST'"
        ) == {"breached"}
        assert of("select agency_id from contact_breaches where rule_id = 'CN_CBA_WHITELIST'") <= {"AG-02", "AG-03"}
        assert of("select status from collection_worklist") == {"due", "held"}
        assert {"reached", "not_reached", "left_message"} == of("select result from contact_effect")


def test_nothing_is_lost(demo: Path) -> None:
    manifest = json.loads((demo / "published" / "current" / "manifest.json").read_text())
    for delivery in manifest["deliveries"]:
        for file in delivery["files"]:
            for part in file["ledgers"]:
                assert part["rows_read"] == sum(
                    part[f"rows_{what}"] for what in ("filtered", "loaded", "duplicate", "quarantined")
                ), file["file"]


def test_again_is_the_same_and_a_delivery_loads_once(home: Path, arrears) -> None:
    before = hashes(home / "published" / "current")
    again = arrears(*nightly(home, "--as-of", "2026-10-31", "--json"))
    assert again.code == 0, again.err
    assert again.json["loaded"] == []
    assert hashes(home / "published" / "current") == before
    chain = [json.loads(line) for line in (home / "audit" / "chain.jsonl").read_text().splitlines()]
    assert [link["status"] for link in chain] == ["published"] * 3


def test_what_was_published_before_can_be_reproduced(home: Path, arrears) -> None:
    first = next(p for p in (home / "published").iterdir() if p.name.startswith("2026-09-30"))
    then = arrears(*nightly(home, "--as-of", "2026-09-30", "--known-at", "2026-09-30", "--no-switch", "--json"))
    assert then.code == 0, then.err
    assert hashes(Path(then.json["publication"])) == hashes(first)
    assert (home / "published" / "current").resolve().name.startswith("2026-10-31")
    # what we would say today about that day differs: money and reversals have come in since
    now = arrears(*nightly(home, "--as-of", "2026-09-30", "--no-switch", "--json"))
    assert hashes(Path(now.json["publication"]))["loan_aging"] != hashes(first)["loan_aging"]


def test_a_failing_landing_gate_publishes_nothing(home: Path, arrears) -> None:
    standing = (home / "published" / "current").resolve()
    folder = next_delivery(home, repayments="repayment_id,loan_id,paid_on,amount\nR-X,L-000001,2026-11-31,1.239\n")
    failed = arrears(*nightly(home, "--json"))
    assert failed.code == 3
    assert failed.json["status"] == "validation_failed"
    assert "repayments" in failed.err
    assert "Report: " in failed.err
    report = Path(failed.err.split("Report: ")[1].splitlines()[0])
    assert report.is_file()
    assert (home / "published" / "current").resolve() == standing
    assert not (home / "warehouse" / "raw" / "2026-11-20").exists()
    # corrected in place, it loads
    (folder / "repayments.csv").write_text("repayment_id,loan_id,paid_on,amount\nR-X,L-000001,2026-11-20,1.23\n")
    mended = arrears(*nightly(home, "--json"))
    assert mended.code == 0, mended.err
    assert mended.json["as_of"] == "2026-11-20"
    assert [json.loads(x)["status"] for x in (home / "audit" / "chain.jsonl").read_text().splitlines()][-2:] == [
        "validation_failed",
        "published",
    ]


def test_without_the_days_delivery_nothing_is_published(home: Path, arrears) -> None:
    failed = arrears(*nightly(home, "--as-of", "2026-11-15"))
    assert failed.code == 3
    assert "2026-10-31" in failed.err
    assert "--as-of" in failed.err


def test_a_changed_delivery_is_refused(home: Path, arrears) -> None:
    with open(home / "landing" / "2026-10-31" / "repayments.csv", "a") as file:
        file.write("R-NEW,L-000001,2026-10-31,1.00,payment,,,customer,,\n")
    refused = arrears(*nightly(home))
    assert refused.code == 4
    assert "repayments.csv was changed" in refused.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as-of", "22.11.2026"], "--as-of 22.11.2026: not a date. Allowed: a date such as 2026-11-22."),
        (["--as-of", "2026-11-31"], "--as-of 2026-11-31"),
        (["--known-at", "yesterday"], "--known-at yesterday"),
        (["--landing", "/nowhere"], "--landing /nowhere: there is no such folder"),
        (["--policy", "/nowhere"], "--policy /nowhere: no such folder"),
        (["--target", "oracle"], "oracle"),
        (["--wait", "soon"], "--wait"),
    ],
)
def test_wrong_usage_says_what_is_allowed(demo: Path, arrears, arguments: list[str], said: str) -> None:
    wrong = arrears(*nightly(demo), *arguments)
    assert wrong.code == 2
    assert said in wrong.err


def test_withdrawing_leaves_out_without_deleting(home: Path, arrears) -> None:
    september = next(p for p in (home / "published").iterdir() if p.name.startswith("2026-09-30"))
    withdrawn = arrears("withdraw", "2026-10-31", "--reason", "sent twice by mistake", "--home", home, "--json")
    assert withdrawn.code == 0, withdrawn.err
    assert (home / "warehouse" / "raw" / "2026-10-31" / "loans.parquet").exists()
    without = arrears(*nightly(home, "--as-of", "2026-09-30", "--no-switch", "--json"))
    assert without.code == 0, without.err
    assert hashes(Path(without.json["publication"])) == hashes(september)
    assert arrears("withdraw", "2026-10-31", "--reason", "again", "--home", home).code == 2
    assert arrears("withdraw", "1999-01-01", "--reason", "unknown", "--home", home).code == 2


PERSONAL = {
    "customers": ("name", "id_number", "phone"),
    "contact_points": ("value",),
    "contact_attempts": ("message_text",),
}


def test_no_personal_data_leaves_the_warehouse(home: Path, arrears, tmp_path: Path) -> None:
    """Neither the marts, also in what is compressed, nor reports, logs, or the cases of customers, in both languages."""
    current = home / "published" / "current"
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as reader:
        customers = reader.sql("select customer_id from marts.case_files order by all limit 20").fetchall()
    said = b""
    for lang in ("zh", "en"):
        told = arrears("case", worst_customer(current), "--home", home, "--lang", lang)
        assert told.code == 0, told.err
        said += (told.out + told.err).encode()
        for (customer,) in customers:
            case_of(home, customer, None, lang)
    assert len(list((home / "cases").rglob("*.md"))) >= 2 * len(customers) > 10

    private = set()
    for delivery in (home / "landing").iterdir():
        for ledger, columns in PERSONAL.items():
            with open(delivery / f"{ledger}.csv", encoding="utf-8") as file:
                private |= {row[column] for row in csv.DictReader(file) for column in columns}
    private = {text for text in private if len(text) > 2}
    assert len(private) > 300
    inside = [home / "landing", home / "warehouse" / "raw", home / "warehouse" / "arrears.duckdb"]
    outside = [p for p in home.rglob("*") if p.is_file() and not any(p.is_relative_to(one) for one in inside)]
    assert {path.parts[len(home.parts)] for path in outside} >= {"published", "audit", "cases", "warehouse"}
    contents = {said: "what was said", **{readable(path): path for path in outside}}
    (tmp_path / "private").write_text("\n".join(sorted(private)), "utf-8")
    search = ["grep", "--text", "--only-matching", "--fixed-strings", "--file", tmp_path / "private"]
    found = subprocess.run(search, input=b"\n".join(contents), capture_output=True, env=os.environ | {"LC_ALL": "C"})
    assert found.returncode in (0, 1), found.stderr
    leaked = set(found.stdout.splitlines())
    assert not leaked, [path for content, path in contents.items() if any(text in content for text in leaked)]


def readable(path: Path) -> bytes:
    """The bytes of a file; of one that may be compressed, the texts in it."""
    if path.suffix not in (".parquet", ".duckdb"):
        return path.read_bytes()
    with duckdb.connect(
        str(path) if path.suffix == ".duckdb" else ":memory:", read_only=path.suffix == ".duckdb"
    ) as reader:
        tables = reader.sql(
            "select concat_ws('.', database_name, schema_name, table_name) from duckdb_tables()"
        ).fetchall()
        texts = set()
        for (table,) in tables or [(f"'{path}'",)]:
            for column, kind, *_ in reader.sql(f"describe from {table}").fetchall():
                if kind == "VARCHAR":
                    texts.update(reader.sql(f'select distinct "{column}" from {table}').fetchall())
    return "\n".join(text for (text,) in texts if text).encode()


def test_everything_is_readable_by_its_owner_only(demo: Path) -> None:
    for path in [demo / "published", demo / "audit", demo / "warehouse"]:
        for each in [path, *path.rglob("*")]:
            if each.name in ("marts.duckdb", "evidence.duckdb"):  # no one but the owner comes into the folder
                assert each.stat().st_mode & 0o777 == 0o440, each
            elif not each.is_symlink():
                assert each.stat().st_mode & 0o077 == 0, each


def test_help_and_status_answer_without_heavy_imports() -> None:
    for arguments in (["--help"], ["nightly", "--help"]):
        said = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "flows.command", *arguments], capture_output=True, text=True
        )
        assert said.returncode == 0
        assert not {"prefect", "dbt", "duckdb", "great_expectations"} & {
            line.rsplit("|", 1)[1].strip() for line in said.stderr.splitlines() if "|" in line
        }


def test_progress_goes_to_stderr_and_one_json_object_to_stdout(demo: Path) -> None:
    assert isinstance(json.loads((demo / "demo.json").read_text()), dict)
    said = (demo / "demo.err").read_text()
    for words in (
        "Reading delivery 2026-09-30",
        "Computing as of 2026-10-31",
        "Validating the candidate",
        "Publishing",
    ):
        assert words in said
