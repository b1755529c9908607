"""The publish gate in the flow: a planted defect in a candidate ends the run, names itself, and leaves what stands."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb
import pytest
from support import build_at, load, new_home

from books import generate
from expectations.publication import pictures
from flows.build import Built
from flows.errors import ValidationFailed
from flows.home import Home
from flows.policy import PROJECT, Policy, read_policy
from flows.publish import Candidate, stage
from flows.validate import check_publication

DAY = date(2026, 10, 31)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Built]:
    folder = tmp_path_factory.mktemp("gate")
    generate(folder / "landing", loans=300, seed=3, deliveries=(DAY,), dirty_rows=0)
    home = new_home(folder / "home")
    load(folder / "landing", home)
    return home, build_at(home, DAY, of_a_house(folder / "policy"))


def of_a_house(folder: Path) -> Policy:
    """A policy that rules otherwise than the shipped one: what the gate works out again must follow it."""
    folder.mkdir()
    for name, shipped, ours in (
        ("portfolio/advance_kind", ",advanced_on,", ",due_on,"),
        ("risk/migration_rate", "MIG_SS,4,3,3,4", "MIG_SS,4,3,3,5"),
    ):
        text = (PROJECT / "seeds" / f"{name}.csv").read_text("utf-8")
        assert shipped in text
        (folder / f"{Path(name).name}.csv").write_text(text.replace(shipped, ours), "utf-8")
    digest = hashlib.sha256((folder / "advance_kind.csv").read_bytes()).hexdigest()
    approved = (
        f"seed,sha256,approved_by,approved_on,reason\nadvance_kind,{digest},A. Approver,2026-10-01,its own dates\n"
    )
    (folder / "policy_approval.csv").write_text(approved, "utf-8")
    return read_policy(folder)


@pytest.fixture
def home(built: tuple[Home, Built]) -> Home:
    return built[0]


@pytest.fixture
def candidate(built: tuple[Home, Built]) -> Candidate:
    home, of_day = built
    return stage(home, of_day, DAY, "run-1")


def test_a_sound_candidate_passes(home: Home, candidate: Candidate) -> None:
    assert check_publication(home, "run-1", candidate).success
    with duckdb.connect(str(candidate.evidence), read_only=True) as reader:
        said = reader.sql("select control_id, result, checks_run = checks_expected from controls order by 1").fetchall()
        (unapproved,) = reader.sql(
            "select list(seed order by seed) from seed_versions where not is_shipped and approved_by is null"
        ).fetchone()
    otherwise = {"C08": "failed", "C12": "failed", "C13": "not_applicable", "C14": "not_applicable"}
    assert {control: result for control, result, _ in said if result != "held"}.items() <= otherwise.items()
    assert [control for control, _, whole in said if not whole] == []
    assert len(said) == 15
    assert unapproved == ["migration_rate"]  # the other is approved


def test_a_control_of_which_a_check_did_not_run_ends_the_run(home: Home, candidate: Candidate) -> None:
    with duckdb.connect(str(candidate.evidence)) as evidence:
        evidence.execute(
            "insert into control_check select * replace ('What nobody checks' as check_name) from control_check limit 1"
        )
    with pytest.raises(ValidationFailed, match="Controls were skipped") as failed:
        check_publication(home, "run-3", candidate)
    assert "C01 Does the loan listing tie to the GL" in str(failed.value)
    assert "missing: What nobody checks" in str(failed.value)
    assert not candidate.folder.exists()


def test_each_picture_has_one_grain_labels_and_every_bucket(candidate: Candidate) -> None:
    """And every column says what it is; what a tool adds up is the book."""
    with duckdb.connect(str(candidate.database), read_only=True) as reader:
        found = reader.sql("select view_name, comment from duckdb_views() where not internal").fetchall()
        assert {name for name, _ in found} == set(pictures.GRAINS)
        assert all(comment for _, comment in found)
        for view, (grain, _) in pictures.GRAINS.items():
            rows, cells = reader.sql(
                f"select count(*), {' * '.join(f'count(distinct {column})' for column in grain)} from {view}"
            ).fetchone()
            assert rows > 0, view
            if "as_of" not in grain and view != "bi_vintages":  # no date has every age, nor every currency
                assert rows == cells, view
            columns = reader.sql(
                f"select column_name, comment from duckdb_columns() where table_name = '{view}'"
            ).fetchall()
            assert [name for name, comment in columns if not comment] == [], view
            for column in (name for name, _ in columns if name.endswith(("_zh", "_en", "_order"))):
                assert reader.sql(f"select count(*) from {view} where {column} is null").fetchone() == (0,), (
                    view,
                    column,
                )
        stages = reader.sql("select bucket from bi_aging order by bucket_order").fetchall()
        assert [stage for (stage,) in dict.fromkeys(stages)] == ["M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7+"]
        (added,) = reader.sql("select sum(outstanding_principal) from bi_aging").fetchone()
        shown = reader.sql("select string_agg(distinct currency) from bi_aging").fetchone()[0]
        book = "select sum(outstanding_principal) from aging_trend where scheme = 'CN_M_STAGE' and item_type = 'loan' and segment <> 'ALL'"
        assert reader.sql(f"{book} and as_of = '{DAY}' and currency = '{shown}'").fetchone() == (added,)
        for picture, mart in (
            ("sum(outstanding) from bi_advances", "sum(outstanding) from advance_aging where not is_written_off"),
            ("sum(customers) from bi_watchlist", "count(*) from watchlist"),
            ("sum(overdue_balance) from bi_customer_types", "sum(overdue_balance) from bi_disclosure"),
            ("max(recovered_amount) from bi_recovery where horizon_days = 30",
             "max(recovered_amount) from recovery_by_age where segment = 'ALL' and currency = 'ALL' and horizon_days = 30 and from_as_of = (select max(from_as_of) from bi_recovery where horizon_days = 30)"),
        ):  # fmt: skip
            assert reader.sql(f"select {picture}").fetchone() == reader.sql(f"select {mart}").fetchone(), picture


@pytest.mark.parametrize(
    ("defect", "said"),
    [
        ("delete from marts.loan_aging where loan_id = (select min(loan_id) from marts.loan_aging where not is_written_off)", "No loan of the book is absent from loan_aging"),
        ("update marts.loan_aging set days_past_due = 0, oldest_unpaid_due_on = null, m_stage = 'M0', overdue_balance = 0 where loan_id = (select min(loan_id) from evidence.recomputed where days_past_due > 0)", "Late loans are flagged"),
        ("update marts.aging_distribution set outstanding_principal = outstanding_principal + 0.01 where bucket = 'M0'", "add up to the book"),
    ],
)  # fmt: skip
def test_a_defect_ends_the_run_and_names_itself(home: Home, candidate: Candidate, defect: str, said: str) -> None:
    with duckdb.connect(str(candidate.database)) as connection:
        connection.execute(f"attach '{candidate.evidence}' as evidence (read_only)")
        connection.execute(defect)
    with pytest.raises(ValidationFailed) as failed:
        check_publication(home, "run-2", candidate)
    assert said.lower() in str(failed.value).lower()
    assert "Nothing was published, and what was published before still stands." in str(failed.value)
    assert not candidate.folder.exists()
