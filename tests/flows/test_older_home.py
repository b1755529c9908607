"""A home that an older version made (raw history, packs, chain, a publication; 2026-11-27, before packs and deliveries were listed by
hash): today's code reads it, goes on from it, and rewrites nothing of it."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from support import load, publish_at, rows_of

from flows import chain
from flows.command import main
from flows.erase import erase
from flows.errors import Differs
from flows.history import row_hash
from flows.home import Delivery, Home
from flows.ledgers import ledgers
from flows.listing import list_files
from flows.policy import read_policy
from flows.publish import current_manifest
from flows.report_status import status_of
from flows.shapes import lacks
from flows.verify import verify

OLDER = Path(__file__).with_name("older_home")
THEN, NOW = date(2026, 2, 28), date(2026, 3, 31)


def copied(folder: Path) -> Home:
    """A copy, with the link that a repository should not hold."""
    home = Home(Path(shutil.copytree(OLDER, folder / "home")))
    (publication,) = home.published.iterdir()
    home.current.symlink_to(publication.name, target_is_directory=True)
    return home


@pytest.fixture
def older(tmp_path: Path) -> Home:
    return copied(tmp_path)


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same after a further delivery and a publication of it, under the policy of today."""
    home = copied(tmp_path_factory.mktemp("older"))
    folder = home.root / "landing" / str(NOW)
    folder.mkdir(parents=True)
    (folder / "repayments.csv").write_text("repayment_id,loan_id,paid_on,amount\nR3,L1,2026-03-20,100.00\n")
    load(folder.parent, home)
    publish_at(home, NOW, marts=("loan_aging", "headline", "restatements"))
    return home


def test_it_is_read_and_what_it_did_not_write_down_is_told(older: Home) -> None:
    assert status_of(older.root)["current"]["as_of"] == str(THEN)
    said = verify(older.root, None, True, None, False)
    assert said["status"] == "whole"
    assert said["_text"].count("by a version that") == 3
    pack = next(older.audit.glob("2026*"))
    (pack / "loan_aging.parquet").write_bytes(
        (older.published / older.current.readlink() / "parquet" / "headline.parquet").read_bytes()
    )
    with pytest.raises(Differs, match=r"loan_aging\.parquet"):
        verify(older.root, None, True, None, False)


def test_it_goes_on_and_nothing_of_it_is_rewritten(gone_on: Home) -> None:
    before = list_files(OLDER)
    assert {name: sha for name, sha in list_files(gone_on.root).items() if name in before} | {
        "audit/chain.jsonl": before["audit/chain.jsonl"]
    } == before
    first, second = chain.read(gone_on).lines
    assert first == (OLDER / "audit" / "chain.jsonl").read_bytes().rstrip(b"\n")
    assert json.loads(second)["previous"] == chain.hash_of(first)
    assert verify(gone_on.root, None, True, None, False)["status"] == "whole"
    marts = gone_on.current / "marts.duckdb"
    paid = rows_of(marts, "select loan_id, outstanding_principal from loan_aging order by 1")
    assert [str(row["outstanding_principal"]) for row in paid] == ["500.00", "2400.25"]


def test_its_rows_delivered_again_are_known(older: Home) -> None:
    """It kept the hash of every row, which is worked out since where no person can be erased: both are the same."""
    folder = older.root / "landing" / str(NOW)
    folder.mkdir(parents=True)
    kept = sorted(older.raw.glob("*/[!cq]*s.parquet"))
    for path in kept:
        ledger = ledgers()[path.stem]
        columns = ", ".join(ledger.columns)
        query = f"select count(*), count(*) filter (where _hash = {row_hash(ledger)}) from read_parquet('{path}')"
        (rows, same) = duckdb.sql(query).fetchone()
        assert rows == same > 0
        duckdb.sql(f"copy (select {columns} from read_parquet('{path}')) to '{folder / path.stem}.csv' (header)")
    assert {path.stem for path in kept} >= {"loans", "installments", "repayments"}
    load(folder.parent, older)
    for path in kept:
        told = older.record(Delivery.parse(str(NOW)))["ledgers"][path.stem]
        assert told["rows_duplicate"] == told["rows_read"] > 0


def test_seeds_that_changed_in_between_restate_nothing(gone_on: Home) -> None:
    """Figures under another policy are not set against today's: they stand as they were published."""
    older = json.loads(next(OLDER.glob("audit/2026*/manifest.json")).read_bytes())
    assert older["policy_version"] != read_policy().version
    assert current_manifest(gone_on)["compared"] == []
    assert rows_of(gone_on.current / "marts.duckdb", "select * from restatements") == []


@pytest.mark.parametrize(
    "command", [("diff", "{run}", "current"), ("case", "C1"), ("report", "{run}", "--out", "{home}/page.html")]
)
def test_a_command_that_needs_what_it_never_had_says_so_and_the_way_out(command: tuple[str, ...], older: Home) -> None:
    publication = older.current.resolve()
    (publication / "parquet" / "headline.parquet").unlink()  # as in a version before there was one
    run = publication.name[11:]
    said = [part.format(run=run, home=older.root) for part in command]
    ended = CliRunner().invoke(main, [*said, "--home", str(older.root)])
    assert ended.exit_code == 2, ended.stderr
    assert f"RUN {run}: was published by another version of arrears" in ended.stderr
    assert "headline" in ended.stderr
    assert "arrears nightly --as-of 2026-02-28 --known-at 2026-02-28 --no-switch" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_publication_of_this_version_lacks_nothing_that_it_was_asked_for(gone_on: Home) -> None:
    lacking = lacks(gone_on.current)
    assert not [name for name in lacking if name.split(".")[0] in ("loan_aging", "headline", "restatements")]


def test_a_person_of_its_history_can_be_erased(older: Home) -> None:
    assert erase(older.root, "C1", "request", False, 0)["rows"] == {}  # its ledgers named nobody
    assert verify(older.root, None, True, None, False)["status"] == "whole"
