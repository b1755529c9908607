"""What an auditor asks of a home that nights have made, answered by the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import chain_again

from flows import reproduce
from flows.content_hash import content_hash
from flows.home import Home
from flows.listing import list_files
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
