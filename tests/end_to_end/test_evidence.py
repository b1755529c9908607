"""What an auditor asks of a home that nights have made, answered by the command."""

from __future__ import annotations

import hashlib
import html
import json
import os
import shutil
import tempfile
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from end_to_end import on_paper
from openpyxl import load_workbook
from support import chain_again, rows_of

from books import generate
from flows import reproduce
from flows.content_hash import content_hash
from flows.diff import diff
from flows.explain import explain
from flows.home import Home, hold
from flows.listing import list_files, sha256_of
from flows.sample import sample
from flows.verify import verify


@pytest.fixture(scope="module")
def kept(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of the demo's home is evidence, to be spoilt: its history, packs and publications."""
    home = tmp_path_factory.mktemp("evidence") / "home"
    for folder in ("audit", "published", "warehouse/raw"):
        shutil.copytree(demo / folder, home / folder, symlinks=True)
    return home


def test_the_home_of_the_demo_is_whole_to_the_last_byte(demo: Path, arrears) -> None:
    said = arrears("verify", "--all", "--home", demo, "--json")
    assert said.code == 0, said.err
    assert said.json["status"] == "whole"
    assert said.json["not_checked"] == []
    assert said.json["files"] > 400


def test_what_is_changed_ends_with_exit_3_and_its_name(demo: Path, kept: Path, arrears) -> None:
    path = next(kept.glob("warehouse/raw/2026-09-30/repayments.parquet"))
    content = path.read_bytes()
    path.write_bytes(content.replace(content[200:201], b"\0", 1))
    said = arrears("verify", "--home", kept)
    path.write_bytes(content)
    assert said.code == 3
    assert "warehouse/raw/2026-09-30/repayments.parquet: changed: is not what was written down" in said.err
    assert arrears("verify", "nobody", "--home", kept).code == 2
    assert arrears("verify", "--home", kept).code == 0


def test_an_older_publication_is_built_again_from_what_it_knew_without_a_trace(kept: Path) -> None:
    (first, _) = sorted(path.name for path in (kept / "audit").glob("*/"))
    before = sorted(path for path in kept.rglob("*"))
    said = verify(kept, first, False, None, True)
    assert said["reproduced"]["marts_same"] == len(
        json.loads((kept / f"audit/{first}/manifest.json").read_text())["marts"]
    )
    assert sorted(path for path in kept.rglob("*")) == before


def test_a_forged_figure_is_not_reproduced_and_its_mart_column_and_causes_are_named(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(shutil.copytree(kept, tmp_path / "home", symlinks=True))
    publication = home.current.resolve()
    mart = publication / "parquet" / "loan_aging.parquet"
    forged = mart.with_name("forged.parquet")
    with duckdb.connect() as connection:
        late = f"(select min(loan_id) from '{mart}' where days_past_due > 30)"
        connection.execute(
            f"copy (select * replace (if(loan_id = {late}, 0, days_past_due)::integer as days_past_due) from '{mart}') to '{forged}'"
        )
        facts = dict(zip(("rows", "hash"), content_hash(connection, forged), strict=True))
    forged.replace(mart)
    pack = home.audit / publication.name[11:]
    shutil.copyfile(mart, pack / mart.name)
    (pack / "files.json").write_text(json.dumps(list_files(pack, without=("manifest.json", "files.json"))))

    def change(said: dict[str, Any]) -> None:
        if said["run_id"] == pack.name:
            said["files"] = list_files(publication, without=("manifest.json",))
            said["marts"]["loan_aging"] = facts

    chain_again(home, change)
    assert verify(home.root, None, True, None, False)["status"] == "whole"
    monkeypatch.setattr(reproduce, "code_version", lambda: "another")
    with pytest.raises(Exception, match="loan_aging: built again") as error:
        verify(home.root, None, False, None, True)
    said = str(error.value)
    assert "loan_aging: built again it says something else: 1 changed (days_past_due in 1)." in said
    assert "Cause: another version of the code" in said
    assert len(error.value.details["differences"]) == 2


# controls


def test_every_control_of_the_demo_ran_and_the_page_says_so(demo: Path) -> None:
    """All hold but that a night of October was in time; nobody asks for four eyes."""
    publication = demo / "published" / "current"
    found = {row["control_id"]: row for row in rows_of(publication / "evidence.duckdb", "select * from controls")}
    assert len(found) == 15
    assert {name: row["result"] for name, row in found.items() if row["result"] != "held"} == {
        "C12": "failed",
        "C13": "not_applicable",
    }
    assert all(row["checks_run"] == row["checks_expected"] for row in found.values())
    page = (publication / "validation" / "index.html").read_text("utf-8")
    for row in found.values():
        assert f'<th scope="row">{row["control_id"]}</th>' in page
        assert row["auditor_question_zh"] in page
        assert html.escape(row["auditor_question"]) in page
    assert "controls skipped: 0." in page
    manifest = json.loads((publication / "manifest.json").read_text())
    assert manifest["user"]
    kept = json.loads(
        (demo / "audit" / manifest["run_id"] / "validation" / "publication" / "controls.json").read_text()
    )
    assert [one["result"] for one in kept] == [row["result"] for row in found.values()]


# four eyes, adjustments

ADJUSTED = "adjustment_id,loan_id,risk_class,reason,prepared_by,approved_by,valid_from,valid_until"


@pytest.fixture(scope="module")
def four_eyes(tmp_path_factory: pytest.TempPathFactory, arrears) -> dict[str, Any]:
    """What a night says under a policy that asks for four eyes. Two loans are adjusted, one of them until yesterday."""
    folder = tmp_path_factory.mktemp("four-eyes")
    book = generate(folder / "landing", loans=40, seed=7, deliveries=(date(2026, 10, 31),), dirty_rows=0)
    with duckdb.connect() as connection:
        path = book.paths[date(2026, 10, 31)]["loans"][0]
        still_open = (
            f"from read_csv('{path}') where closed_on is null and written_off_on is null order by loan_id limit 2"
        )
        (worse,), (ended,) = connection.sql(f"select loan_id {still_open}").fetchall()
    rows = f"J-1,{worse},损失,in court,Wu Min,Li Wei,2026-10-15,2026-12-31\nJ-2,{ended},2,over,Wu Min,Li Wei,2026-10-01,2026-10-30\n"
    (folder / "landing" / "2026-10-31" / "adjustments.csv").write_text(f"{ADJUSTED}\n{rows}", "utf-8")
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.csv").write_text("setting,value\nfour_eyes,true\n")
    night = ("nightly", "--landing", folder / "landing", "--home", folder / "home", "--policy", folder / "policy")
    said = arrears(*night, "--json")
    assert said.code == 0, said.err
    return {**said.json, "home": folder / "home", "worse": worse, "ended": ended}


def test_a_night_of_four_eyes_waits_and_a_signature_moves_current(
    four_eyes: dict[str, Any], tmp_path: Path, arrears
) -> None:
    assert four_eyes["waits_for_signature"]
    step = f"`arrears sign {four_eyes['run_id']} --as NAME --note TEXT --home {four_eyes['home']}`"
    assert step in four_eyes["next_step"]
    made = Path(four_eyes["publication"])
    assert rows_of(made / "evidence.duckdb", "select result from controls where control_id = 'C13'") == [
        {"result": "held"}
    ]

    home = shutil.copytree(four_eyes["home"], tmp_path / "home", symlinks=True)
    current = home / "published" / "current"
    assert not current.exists()
    ran = json.loads((made / "manifest.json").read_text())["user"]
    assert arrears("sign", four_eyes["run_id"], "--as", ran, "--note", "myself", "--home", home).code == 2
    assert arrears("sign", four_eyes["run_id"], "--as", "Li Wei", "--note", "looked at", "--home", home).code == 0
    assert current.resolve().name == made.name
    assert arrears("verify", "--all", "--home", home).code == 0


def test_an_adjustment_in_force_stands_beside_what_the_rules_say_wherever_the_class_is_shown(
    four_eyes: dict[str, Any], arrears
) -> None:
    made, home, worse = Path(four_eyes["publication"]), four_eyes["home"], four_eyes["worse"]
    classified = {row["item_id"]: row for row in rows_of(made / "marts.duckdb", "select * from risk_classification")}
    row = classified[worse]
    assert (row["risk_class"], row["class_en"], row["adjustment_id"]) == (5, "Loss", "J-1")
    assert row["class_by_rules"] < 5
    assert (row["adjusted_by"], row["approved_by"], str(row["adjusted_until"])) == ("Wu Min", "Li Wei", "2026-12-31")
    assert row["provision_amount"] == row["balance"]
    assert (classified[four_eyes["ended"]]["adjustment_id"], classified[worse]["previous_class"]) == (
        None,
        row["class_by_rules"],
    )
    assert {one["class_by_rules"] - one["risk_class"] for one in classified.values() if not one["adjustment_id"]} == {0}
    (control,) = rows_of(made / "evidence.duckdb", "select result, checks_run from controls where control_id = 'C15'")
    assert control == {"result": "held", "checks_run": 1}

    explained = told(home, "loan", worse, as_of="2026-10-31", lang="en")
    said = f"Overridden by adjustment J-1 [{explained['class']['adjustment']['_no']}]: the rules say {row['class_by_rules']}; 5 from"
    assert said in explain(home, "loan", worse, as_of="2026-10-31", lang="en")["_text"]
    (shown,) = [one for one in explained["rows"] if one["ledger"] == "adjustments"]
    assert shown["line"] == 2
    assert "reason" not in shown["values"]
    case = arrears("case", row["customer_id"], "--as-of", "2026-10-31", "--lang", "en", "--home", home)
    assert f"adjusted by J-1: the rules say {row['class_by_rules']}, 5 until 2026-12-31, prepared by Wu Min" in case.out
    page = (made / "report" / "index.html").read_text("utf-8")
    assert 'id="class_override_list"' in page
    assert "J-1" in page
    assert "J-2" not in page


# samples


@pytest.fixture(scope="module")
def drawn_from(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is evidence, on record in which samples are."""
    home = tmp_path_factory.mktemp("drawn") / "home"
    for folder in ("audit", "published", "warehouse/raw"):
        shutil.copytree(demo / folder, home / folder, symlinks=True)
    return home


def draw(home: Path, file: Path, arrears, *options: Any) -> dict[str, Any]:
    said = arrears("sample", "--home", home, "--to", file, "--json", *options)
    assert said.code == 0, said.err
    return said.json


def by_hand(population: dict[str, Decimal], size: int, seed: int) -> dict[str, int]:
    """Loans drawn by monetary units, and how often, as the workbook says that it is done."""
    order = sorted(population, key=lambda loan: hashlib.sha256(f"{seed}|{loan}".encode()).hexdigest())
    total = sum(int(amount * 100) for amount in population.values())
    start = int(hashlib.sha256(f"{seed}|start".encode()).hexdigest(), 16) % total
    cents = [(start + number * total) // size for number in range(size)]
    found, begins = {}, 0
    for loan in order:
        ends = begins + int(population[loan] * 100)
        if hits := sum(begins <= cent < ends for cent in cents):
            found[loan] = hits
        begins = ends
    return found


LATE = "select loan_id, overdue_balance as amount from loan_aging where days_past_due > 0 and not is_written_off and currency = 'CNY'"


def test_a_sample_is_the_one_that_is_drawn_by_hand_wherever_it_is_drawn(
    demo: Path, drawn_from: Path, tmp_path: Path, arrears
) -> None:
    population = {row["loan_id"]: row["amount"] for row in mart(drawn_from, LATE)}
    asked = ("--size", 9, "--seed", 11, "--of", "late")
    said = draw(drawn_from, tmp_path / "one.xlsx", arrears, *asked)
    assert {row["loan_id"]: row["hits"] for row in said["sample"]} == by_hand(population, 9, 11)
    assert sum(row["hits"] for row in said["sample"]) == 9
    assert said["population_count"] == len(population)
    assert Decimal(said["population_total"]) == sum(population.values())
    lines = "".join(f"{loan}|{population[loan]}\n" for loan in sorted(population))
    assert said["population_sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    elsewhere = tmp_path / "elsewhere"
    for folder in ("audit", "published", "warehouse/raw"):
        shutil.copytree(demo / folder, elsewhere / folder, symlinks=True)
    again = draw(elsewhere, tmp_path / "two.xlsx", arrears, *asked)
    assert again["sample"] == said["sample"]
    assert (
        again["manifest_sha256"] == said["manifest_sha256"] == sha256_of(drawn_from / "published/current/manifest.json")
    )
    assert (
        draw(drawn_from, tmp_path / "three.xlsx", arrears, "--size", 9, "--seed", 12, "--of", "late")["sample"]
        != said["sample"]
    )


def test_a_random_sample_takes_the_first_by_hash_and_each_population_is_whole(
    drawn_from: Path, tmp_path: Path, arrears
) -> None:
    said = draw(
        drawn_from, tmp_path / "late.xlsx", arrears, "--size", 5, "--seed", 2, "--of", "late", "--method", "random"
    )
    order = sorted(
        (hashlib.sha256(f"2|{row['loan_id']}".encode()).hexdigest(), row["loan_id"]) for row in mart(drawn_from, LATE)
    )
    assert [row["loan_id"] for row in said["sample"]] == [loan for _, loan in order[:5]]
    assert said["interval"] is None
    counts = {
        "book": "select count(*) as n, sum(outstanding_principal) as total from loan_aging where not is_written_off and currency = 'CNY'",
        "restated": "select count(distinct loan_id) as n, null as total from restatements",
    }
    for of, query in counts.items():
        ((expected),) = mart(drawn_from, query)
        said = draw(
            drawn_from, tmp_path / f"{of}.xlsx", arrears, "--size", 3, "--seed", 2, "--of", of, "--method", "random"
        )
        assert said["population_count"] + (said["other_currencies_count"] if of == "restated" else 0) == expected["n"]
        if expected["total"]:
            assert Decimal(said["population_total"]) == expected["total"]
    closed = draw(drawn_from, tmp_path / "closed.xlsx", arrears, "--size", 3, "--seed", 2, "--of", "closed")
    assert all(row["closed_on"] <= closed["as_of"] for row in closed["sample"])
    assert not {row["loan_id"] for row in closed["sample"]} & {
        r["loan_id"] for r in mart(drawn_from, "select loan_id from loan_aging")
    }


def test_the_workbook_of_a_sample_is_to_be_filled_in_and_never_written_over(
    drawn_from: Path, tmp_path: Path, arrears
) -> None:
    file = tmp_path / "sample.xlsx"
    said = draw(drawn_from, file, arrears, "--size", 9, "--seed", 11, "--of", "late")
    book = load_workbook(file)
    rows = list(book["样本 Sample"].values)
    assert rows[0][1:3] == ("贷款编号", "客户编号")
    assert rows[1][-6:] == ("Evidence seen", "Seen by", "Agreed?", "Amount audited", "Difference", "Remarks")
    assert [row[1] for row in rows[2:]] == [row["loan_id"] for row in said["sample"]]
    assert rows[2][-2] == '=IF(Q3="","",Q3-I3)'
    assert (rows[0][8], rows[0][16]) == ("账面金额", "审定金额")
    method = {en: value for _, en, value in book["方法 Method"].values}
    assert method["Seed"] == 11
    assert method["Run"] == said["run_id"]
    assert method["sha256 of the population"] == said["population_sha256"]
    assert Decimal(str(method["Total of the population"])) == Decimal(said["population_total"])
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    for options, told in (
        (("--to", file), "exists already, and somebody may have filled it in"),
        (("--to", tmp_path / "sample.csv"), "is no workbook"),
        (("--to", tmp_path / "no" / "sample.xlsx"), "cannot be written"),
        (("--to", tmp_path / "new.xlsx", "--size", "0"), "--size 0: is not allowed"),
        (("--to", tmp_path / "new.xlsx", "--currency", "GBP"), "there is nothing to draw from; it has loans in CNY"),
    ):
        refused = arrears("sample", "--home", drawn_from, "--size", 9, "--seed", 11, "--of", "late", *options)
        assert refused.code == 2, options
        assert told in refused.err
    assert file.read_bytes() == content
    assert not (tmp_path / "new.xlsx").exists()


def test_that_a_sample_was_drawn_is_on_record_and_verified(drawn_from: Path, tmp_path: Path, arrears) -> None:
    home = Home(shutil.copytree(drawn_from, tmp_path / "home", symlinks=True))
    asked = ("--size", 9, "--seed", 11, "--of", "late")
    said = draw(home.root, tmp_path / "one.xlsx", arrears, *asked, "--as", "Zhao Lin")
    pack = home.audit / said["record"] / "manifest.json"
    kept = json.loads(pack.read_text("utf-8"))
    drawn = "".join(f"{r['no']}|{r['loan_id']}|{r['amount']}|{r['hits']}\n" for r in said["sample"])
    assert kept["rows_sha256"] == hashlib.sha256(drawn.encode()).hexdigest()
    shown = ("of", "method", "size", "seed", "population_count", "population_total", "population_sha256")
    assert {name: kept[name] for name in shown} == {name: said[name] for name in shown}
    assert (kept["drawn_by"], kept["status"], kept["sampled"]) == ("Zhao Lin", "sampled", said["run_id"])
    assert kept["user"]
    assert kept["ended_at"]
    line = json.loads((home.audit / "chain.jsonl").read_text().splitlines()[-1])
    assert (line["run_id"], line["manifest_sha256"]) == (said["record"], sha256_of(pack))
    assert arrears("verify", "--all", "--home", home.root).code == 0
    assert arrears("status", "--home", home.root).code == 0

    sound = pack.read_bytes()
    pack.write_bytes(sound.replace(b'"seed": 11', b'"seed": 12'))
    assert (
        f"{said['record']}/manifest.json: changed: is not what the chain says"
        in arrears("verify", "--all", "--home", home.root).err
    )
    pack.write_bytes(sound)
    for name, other, told in (
        ("seed", 12, "drawn again, its rows_sha256 is"),
        ("population_count", 1, "drawn again, its population_count is"),
        ("sampled_manifest_sha256", "0" * 64, "is a sample of another run"),
    ):
        spoilt = Home(shutil.copytree(home.root, tmp_path / name, symlinks=True))

        def forge(page: dict[str, Any], name: str = name, other: Any = other) -> None:
            if page["run_id"] == said["record"]:
                page[name] = other

        chain_again(spoilt, forge)
        ended = arrears("verify", "--all", "--home", spoilt.root)
        assert ended.code == 3, name
        assert told in ended.err
        assert arrears("verify", "current", "--home", spoilt.root).code == 3


def test_a_sample_that_is_refused_leaves_no_record_and_one_of_a_home_in_use_waits(
    drawn_from: Path, tmp_path: Path, arrears
) -> None:
    before = sorted(path.name for path in (drawn_from / "audit").iterdir())
    asked = ("sample", "--home", drawn_from, "--seed", 1, "--of", "late", "--to", tmp_path / "x.xlsx")
    assert arrears(*asked, "--size", 0).code == 2
    assert arrears(*asked, "--size", 3, "--currency", "GBP").code == 2
    assert arrears(*asked, "--size", 3, "--as", " ").code == 2
    with hold(Home(drawn_from), "a-night", "arrears nightly"):
        assert arrears(*asked, "--size", 3).code == 5
    assert sorted(path.name for path in (drawn_from / "audit").iterdir()) == before
    assert not (tmp_path / "x.xlsx").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody who may not write")
def test_a_home_that_cannot_be_written_to_is_drawn_from_and_says_that_nothing_was_recorded(drawn_from: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(drawn_from, Path(folder) / "home", symlinks=True)
        target = Path(folder) / "mine"
        target.mkdir()
        for path in (Path(folder), *copy.rglob("*"), copy):
            if not path.is_symlink():
                path.chmod(0o555 if path.is_dir() else 0o444)
        target.chmod(0o777)
        before = sorted(path.name for path in (copy / "audit").iterdir())
        os.seteuid(65534)
        try:
            said = sample(copy, None, 3, 1, "late", "monetary_unit", None, target / "x.xlsx")
        finally:
            os.seteuid(0)
        assert said["record"] is None
        assert "Nothing was recorded:" in said["_text"]
        assert (target / "x.xlsx").exists()
        assert sorted(path.name for path in (copy / "audit").iterdir()) == before


# explain


def told(home: Path, *asked: Any, **options: Any) -> dict[str, Any]:
    """What `arrears explain … --json` says, as a reader of it gets it."""
    return json.loads(json.dumps(explain(home, *asked, **options), default=str))


def mart(home: Path, query: str) -> list[dict[str, Any]]:
    return rows_of(home / "published" / "current" / "marts.duckdb", query)


def some_loans(home: Path) -> list[str]:
    """Of each product and kind of day count some late loans and one that is not, and what is rare: pauses, plans, write-offs."""
    found = mart(
        home,
        """
        select loan_id from marts.loan_aging
        qualify row_number() over (partition by product_id, days_past_due > 0 order by max_days_past_due desc, loan_id) <= 1
            or row_number() over (partition by plan_no > 1, is_written_off, overpaid_amount > 0 order by loan_id) <= 2
            or (delinquent_days < days_past_due and row_number() over (partition by product_id order by loan_id) <= 3)
            or customer_days_past_due <> days_past_due
        order by 1
        """,
    )
    return [row["loan_id"] for row in found]


def test_every_figure_of_a_loan_is_redone_from_what_is_shown(kept: Path) -> None:
    loans = some_loans(kept)
    assert len(loans) > 20
    for loan_id in loans:
        said = told(kept, "loan", loan_id, with_days=True)
        (published,) = mart(kept, f"select * from marts.loan_aging where loan_id = '{loan_id}'")
        on_paper.ladder_is_sound(said)
        for column, value in on_paper.figures_of(said).items():
            assert value == published[column], (loan_id, column)
        assert said["differs"] == []
        class_and_signals_agree(kept, said)
        own = [row for row in said["rows"] if row["no"] <= said["own_rows"]]
        assert {row["values"].get("loan_id", loan_id) for row in own} == {loan_id}


def class_and_signals_agree(kept: Path, said: dict[str, Any]) -> None:
    """Class, signals and measures redone from what is shown are those that were published, and what explain says of them."""
    classified = {
        row["item_id"]: row
        for row in mart(kept, f"select * from marts.risk_classification where item_id = '{said['id']}'")
    }
    assert (said["class"] is None) == (said["id"] not in classified)
    if found := said["class"]:
        assert found["differs"] == []
        days, includes = found["figures"]["days_past_due"], False
        if said["kind"] == "loan":
            figures = on_paper.figures_of(said)
            days, includes = figures["days_past_due"], said["days"]["includes_due_date"]
        for column, value in on_paper.class_of(said, days, days + (days > 0 and not includes)).items():
            assert value == classified[said["id"]][column], (said["id"], column)
    customer = said["customer_id"]
    for name in ("watchlist", "case_files"):
        published = mart(kept, f"select * from marts.{name} where customer_id = '{customer}'")
        shown = (said["signals"] or {"figures": {name: None}})["figures"][name]
        assert (shown is None) == (published == []), (customer, name)
        for column, value in (shown or {}).items():
            assert value == published[0][column], (customer, name, column)
    if said["signals"]:
        assert said["signals"]["differs"] == []
        told = on_paper.signals_of(said)
        (row,) = [*mart(kept, f"select * from marts.watchlist where customer_id = '{customer}'")] or [None]
        if row:
            assert {column: row[column] for column in ("points", "signals", "severity")} == {
                column: told[column] for column in ("points", "signals", "severity")
            }
        (case,) = [*mart(kept, f"select measures from marts.case_files where customer_id = '{customer}'")] or [row]
        assert told["measures"] == (case["measures"] if case else "")


def test_class_signals_and_measures_are_redone_from_what_is_shown(kept: Path) -> None:
    """Of each way to a class and each signal one item, loans and advances; another debt's figures are those it has by itself."""
    found = mart(
        kept,
        """
        select item_type, item_id from marts.risk_classification
        left join marts.watchlist using (customer_id)
        qualify row_number() over (partition by item_type, rules_fired order by item_id) = 1
            or row_number() over (partition by signals order by item_id) = 1
        order by item_type, item_id
        """,
    )
    assert len(found) > 25
    given, called_for = set(), set()
    for row in found:
        said = told(kept, row["item_type"], row["item_id"])
        class_and_signals_agree(kept, said)
        if said["signals"]:
            given |= {one["signal"]["signal_id"] for one in said["signals"]["given"]}
            called_for |= {one["measure"]["measure_id"] for one in said["signals"]["measures"]}
        for debt in said["class"]["debts"]:
            if debt["item_id"] != said["id"] and debt["item_type"] == "loan":
                other = told(kept, "loan", debt["item_id"])["figures"]
                assert str(other["outstanding_principal"]) == debt["balance"]
                assert other["days_past_due"] == debt["days_past_due"]
    listed = mart(kept, "select distinct unnest(string_split(signals, ', ')) as s from marts.watchlist")
    assert given == {row["s"] for row in listed}
    assert len(called_for) >= 7


def test_rows_shown_stand_where_they_are_said_to(demo: Path, kept: Path) -> None:
    said = told(kept, "loan", some_loans(kept)[0])
    for file in said["files"]:
        assert sha256_of(demo / "landing" / file["delivery"] / file["file"]) == file["sha256"]
    named = {(file["delivery"], file["file"]) for file in said["files"]}
    for row in said["rows"]:
        assert (row["origin"], row["file"]) in named
        line = (demo / "landing" / row["origin"] / row["file"]).read_text("utf-8-sig").splitlines()[row["line"] - 1]
        key = row["values"].get("repayment_id") or row["values"].get("loan_id") or row["values"].get("customer_id")
        assert (key or row["values"]["product_id"]) in line.split(",")


def test_advances_and_customers_agree_with_what_was_published(kept: Path) -> None:
    for row in mart(
        kept, "select advance_id, outstanding, duration_days, business_duration_days from marts.advance_aging"
    ):
        said = told(kept, "advance", row["advance_id"], with_days=True)
        assert said["differs"] == []
        assert said["published"]
        taken = on_paper.total(said["money"], "counts")
        assert Decimal(said["figures"]["amount"]) - taken == row["outstanding"]
        assert len(said["counted"]) == row["duration_days"]
        assert sum(day["is_working_day"] for day in said["counted"]) == row["business_duration_days"]
    customers = mart(kept, "select distinct customer_id from marts.overdue_customers order by 1 limit 12")
    for row in customers:
        said = told(kept, "customer", row["customer_id"])
        for currency in said["currencies"]:
            assert currency["differs"] == []
            assert currency["published"]
            assert not currency["type"] or (currency["type"]["differs"] == [] and currency["type"]["published"])
            own = [
                m
                for m in [*said["loans"], *said["advances"]]
                if m["currency"] == currency["currency"] and m["is_in_book"]
            ]
            balance = sum(
                Decimal(m["figures"].get("outstanding_principal") or m["figures"]["outstanding"]) for m in own
            )
            assert balance == Decimal(currency["total"])


def test_what_was_known_then_is_explained_as_it_was_then(kept: Path) -> None:
    (late,) = mart(
        kept, "select loan_id from marts.loan_aging where disbursed_on < '2026-06-01' and days_past_due > 60 limit 1"
    )
    first = told(kept, "loan", late["loan_id"], as_of="2026-09-30")
    assert first["publication"].split("/")[-1].startswith("2026-09-30")
    assert (first["known_at"], first["differs"], first["notes"]) == ("2026-09-30", [], [])
    assert all(row["delivery"] == "2026-09-30" for row in first["rows"])
    now = told(kept, "loan", late["loan_id"], as_of="2026-09-30", known_at="2026-10-31")
    assert now["publication"] is None
    assert now["notes"] == ["not_published"]
    assert now["known_at"] == "2026-10-31"
    assert now["published"] is None


def test_a_figure_that_was_not_what_the_ledgers_say_is_told_before_all_else(kept: Path, tmp_path: Path) -> None:
    home = shutil.copytree(kept, tmp_path / "home", symlinks=True)
    path = home / "published" / "current" / "parquet" / "loan_aging.parquet"
    (late,) = mart(home, "select loan_id from marts.loan_aging where days_past_due > 60 limit 1")
    with duckdb.connect() as connection:
        changed = "days_past_due + (loan_id = ?)::integer as days_past_due"
        connection.execute(f"create table t as select * replace ({changed}) from '{path}'", [late["loan_id"]])
        connection.execute(f"copy t to '{path}.new' (format parquet)")
    path.with_name(f"{path.name}.new").replace(path)
    said = explain(home, "loan", late["loan_id"], lang="en")
    assert [d["column"] for d in said["differs"]] == ["days_past_due"]
    assert said["status"] == "differs"
    assert "## !! RECOMPUTED AND PUBLISHED DIFFER" in said["_text"].split("## What this stands on")[0]
    assert "agree with the published" not in said["_text"]


def test_explain_needs_no_working_database_and_no_lock_and_says_nothing_personal(
    kept: Path, tmp_path: Path, arrears
) -> None:
    (late,) = mart(kept, "select loan_id, customer_id from marts.loan_aging where days_past_due > 60 limit 1")
    assert not (kept / "warehouse" / "arrears.duckdb").exists()
    page = tmp_path / "page.html"
    with hold(Home(kept), "a-night", "arrears nightly"):
        ended = arrears("explain", "loan", late["loan_id"], "--lang", "en", "--html", page, "--home", kept)
    assert ended.code == 0, ended.err
    customer = arrears("explain", "customer", late["customer_id"], "--home", kept, "--json")
    written = page.read_text("utf-8")
    assert "<svg" in written
    assert "http" not in written
    assert page.stat().st_mode & 0o077 == 0
    people = f"'{kept}/warehouse/raw/2026-09-30/customers.parquet'"
    with duckdb.connect() as connection:
        query = f"select name, id_number, phone from {people} where customer_id = ?"
        (personal,) = connection.execute(query, [late["customer_id"]]).fetchall()
    assert len([value for value in personal if value]) == 3
    for value in personal:
        assert not any(value in said for said in (ended.out, written, customer.out))
    assert not list(kept.glob("home.lock")) or arrears("status", "--home", kept).code == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("loan", "L-nobody"), "LOAN L-nobody: no delivery up to 2026-10-31 has such a loan"),
        (("advance", "A-nobody"), "ADVANCE A-nobody: no delivery"),
        (("customer", "C-nobody"), "CUSTOMER C-nobody: no delivery"),
        (("customer", "C'; drop"), "CUSTOMER C'; drop: no delivery"),
        (("loan", "L-000001", "--as-of", "yesterday"), "--as-of yesterday: not a date"),
        (("loan", "L-000001", "--known-at", "2020-01-01"), "No delivery is loaded"),
        (("contract", "L-000001"), "'contract' is not one of 'loan', 'advance', 'customer'"),
    ],
)
def test_what_is_unknown_is_wrong_usage(kept: Path, arrears, asked: tuple[str, ...], said: str) -> None:
    ended = arrears("explain", *asked, "--home", kept)
    assert ended.code == 2
    assert said in ended.err


# diff


def test_a_difference_is_told_by_mart_figure_and_loan(kept: Path, arrears) -> None:
    (first, last) = sorted(path.name for path in (kept / "audit").glob("*/"))
    ended = arrears("diff", first, "current", "--home", kept, "--json")
    assert ended.code == 0, ended.err
    said = ended.json
    assert (said["run_id"]["before"], said["run_id"]["after"]) == (first, last)
    loans: dict[str, dict[str, dict[str, Any]]] = {}
    for side, run in (("before", first), ("after", last)):
        (folder,) = (kept / "published").glob(f"*-{run}")
        loans[side] = {row["loan_id"]: row for row in rows_of(folder / "marts.duckdb", "from marts.loan_aging")}
    then, now = loans["before"], loans["after"]
    ignored = ("as_of", "policy_version")
    changed = [
        i for i in then.keys() & now.keys() if any(then[i][c] != v for c, v in now[i].items() if c not in ignored)
    ]
    mart = said["marts"]["loan_aging"]
    assert (mart["added"], mart["removed"]) == (len(now.keys() - then.keys()), len(then.keys() - now.keys()))
    assert mart["changed"] == len(changed)
    assert mart["columns"]["days_past_due"] == sum(then[i]["days_past_due"] != now[i]["days_past_due"] for i in changed)
    for column in ("outstanding_principal", "overdue_amount"):
        whole = sum(row[column] for row in now.values()) - sum(row[column] for row in then.values())
        assert on_paper.total(said["loans"]["groups"], column) == whole
    assert arrears("diff", "nobody", "current", "--home", kept).code == 2


def test_causes_add_up_to_the_whole_change(kept: Path) -> None:
    (first, last) = sorted(path.name for path in (kept / "audit").glob("*/"))
    said = diff(kept, first, last, 20, True)
    assert said["causes"]["order"] == ["code", "late deliveries", "time passing", "new events", "code"]
    by_cause = {(row["currency"], row["figure"]): row["causes"] for row in said["causes"]["figures"]}
    for row in said["headline"]:
        assert sum(by_cause[row["currency"], row["figure"]].values()) == row["change"]
    assert not any(causes.get("code") for causes in by_cause.values())
    assert all(causes.get("time passing", 0) >= 0 for key, causes in by_cause.items() if key[1] == "overdue_amount")
    assert set(by_cause["ALL", "customers"]) == {"new events"}, "nobody comes or goes but by an event"
    assert len({row["loan_id"] for row in said["causes"]["loans"]}) == 20
    assert "By cause (in this order: code, late deliveries, time passing, new events)" in said["_text"]


# pack


def test_an_archive_is_the_same_twice_says_what_lies_where_and_can_be_checked_by_hand(
    kept: Path, tmp_path: Path, arrears
) -> None:
    ended = arrears("pack", "current", "--to", tmp_path / "one.zip", "--home", kept)
    assert ended.code == 0, ended.err
    arrears("pack", "current", "--to", tmp_path / "two.zip", "--home", kept)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    run_id = (kept / "published" / "current").resolve().name[11:]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        content = {name.removeprefix(f"{run_id}/"): archive.read(name) for name in archive.namelist()}

    def sha256(name: str) -> str:
        return hashlib.sha256(content[name]).hexdigest()

    line = json.loads(content["chain.jsonl"].splitlines()[-1])
    manifest = json.loads(content["audit/manifest.json"])
    assert (sha256("audit/manifest.json"), sha256("audit/files.json")) == (
        line["manifest_sha256"],
        line["files_sha256"],
    )
    checked = {f"audit/{name}": sha for name, sha in json.loads(content["audit/files.json"]).items()}
    checked |= {f"publication/{name}": sha for name, sha in manifest["files"].items()}
    checked |= {f"deliveries/{facts['delivery']}.json": facts["record_sha256"] for facts in manifest["deliveries"]}
    assert {name: sha256(name) for name in checked} == checked
    others = {"README.html", "chain.jsonl", "audit/manifest.json", "audit/files.json", "publication/manifest.json"}
    assert content.keys() - checked.keys() == others
    assert b"What lies where" in content["README.html"]
    (kept / "audit" / run_id / "stranger").write_text("x")
    spoilt = arrears("pack", "current", "--to", tmp_path / "three.zip", "--home", kept)
    (kept / "audit" / run_id / "stranger").unlink()
    assert spoilt.code == 3
    assert not (tmp_path / "three.zip").exists()
