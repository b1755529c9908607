"""What is given wrongly ends in a sentence, with what was given and what is allowed, and exit 2: never a traceback or a hang."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support import new_home

from flows import dates, home
from flows.command import main
from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, existing_home, holder, shown
from flows.land import existing, unknown_folders
from flows.landing.files import refuse_unless_plain
from flows.landing.mapping import read_mapping
from flows.policy import PROJECT, read_policy
from flows.progress import printable

NOT_UTF8 = os.fsdecode(b"pay\xff")


def told(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        ("fpd_days,٣", "a whole number from 0 to 36500"),
        ("fpd_days,1_0", "a whole number from 0 to 36500"),
        ("fpd_days, 3", "a whole number from 0 to 36500"),
        ("fpd_days,99999999999", "a whole number from 0 to 36500"),
        ("history_months,999999", "a whole number from 0 to 1200"),
        ("max_quarantine_rate,1000", "a decimal number from 0 to 1"),
        ("max_quarantine_rate,1e-1", "a decimal number from 0 to 1"),
        ("max_quarantine_rate,NaN", "a decimal number from 0 to 1"),
        ("max_shrink,-0.1", "a decimal number from 0 to 1"),
        ("history_complete_from,2026-W47-7", "a date such as 2026-11-22"),
        ("history_complete_from,20261122", "a date such as 2026-11-22"),
        ("reporting_currency,yuan", "an ISO 4217 code in force, such as CNY"),
        ("reporting_currency,XXX", "an ISO 4217 code in force, such as CNY"),
        ("reporting_currency,cny", "an ISO 4217 code in force, such as CNY"),
    ],
)
def test_a_setting(tmp_path: Path, row: str, allowed: str) -> None:
    (tmp_path / "policy.csv").write_text(f"setting,value\n{row}\n", "utf-8")
    setting, _, value = row.partition(",")
    with pytest.raises(UsageError) as refused:
        read_policy(tmp_path)
    assert setting in str(refused.value)
    assert f"{value!r} is not allowed. Allowed: {allowed}" in str(refused.value)


NOT_PLAIN: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link that leads nowhere": lambda path: path.symlink_to("/nowhere"),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_a_policy_or_mapping_that_is_no_plain_file(tmp_path: Path, what: str) -> None:
    for name, read in (("policy.csv", lambda path: read_policy(path.parent)), ("mapping.yml", read_mapping)):
        (tmp_path / name[:3]).mkdir()
        path = tmp_path / name[:3] / name
        NOT_PLAIN[what](path)
        with pytest.raises(UsageError, match=f"{path}: is not a plain file that can be read. Allowed: "):
            read(path)


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "ledgers: &a [*a]\n", "- " * 5_000 + "a"])
def test_a_mapping_nested_without_end(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.yml").write_text(text)
    with pytest.raises(UsageError, match=r"mapping.yml.*Allowed"):
        read_mapping(tmp_path / "mapping.yml")


@pytest.mark.parametrize("day", ["0001-01-15", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_that_the_calendar_does_not_have(tmp_path: Path, day: str) -> None:
    (tmp_path / "landing").mkdir()
    asked = ["--home", tmp_path / "home", "--landing", tmp_path / "landing"]
    for ended in (
        told("nightly", "--as-of", day, *asked),
        told("backfill", "--from", day, "--to", "2026-01-31", "--home", tmp_path / "home"),
    ):
        assert ended.exit_code == 2
        assert f"{day}: the calendar does not have this day. Allowed: 1900-01-01 to 2199-12-31." in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("day", ["٢٠٢٦-01-01", "2026-W47-7", "20261122", "2026-11-31", "2026-11-22T00", ""])
def test_what_is_no_day(day: str) -> None:
    with pytest.raises(UsageError, match="not a date"):
        dates.day_of("--as-of", day)


def test_the_days_allowed_are_those_of_the_models() -> None:
    model = (PROJECT / "models" / "intermediate" / "calendar" / "int_calendar__days.sql").read_text("utf-8")
    assert re.search(r"day_series\('(.*)', '(.*)'\)", model).groups() == (str(dates.FIRST_DAY), str(dates.LAST_DAY))


@pytest.mark.parametrize(
    "command",
    ["status", "quarantine", "mend", ("case", "C1"), ("withdraw", "2026-10-31", "--reason", "wrong")],
    ids=str,
)
def test_a_home_that_is_not_there(tmp_path: Path, command: str | tuple[str, ...]) -> None:
    ended = told(*([command] if isinstance(command, str) else command), "--home", tmp_path / "none")
    assert ended.exit_code == 2
    assert f"--home {tmp_path / 'none'}: there is no such folder, so nothing was ever loaded there." in ended.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Invalid value for '--home': is empty."),
        ("e" * 300, "cannot be used as a folder (File name too long)"),
        ("/".join(["d" * 200] * 3), "bytes long, and SQLite, in which Prefect keeps its runs, takes at most 470"),
        ("a?b", "holds a `?`"),
        (NOT_UTF8, "pay\\xff: is not UTF-8"),
    ],
)
def test_a_home_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    (tmp_path / "landing").mkdir()
    monkeypatch.chdir(tmp_path)
    ended = told("nightly", "--landing", "landing", "--home", name)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["landing"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nightly", "--landing", "landing", "--policy", "e" * 300), "no such folder, or none that can be read"),
        (("nightly", "--landing", "e" * 300), "cannot be used (File name too long)"),
        (("nightly", "--landing", "landing", "--wait", "nan"), "nan is no number of seconds. Give one of 0 or more."),
        (("template", "e" * 300), "cannot be used as a folder (File name too long)"),
        (("template", "a-file/x"), "cannot be used as a folder (Not a directory)"),
        (("demo", "--home", "a-file/x"), "cannot be used as a folder (Not a directory)"),
        (("demo", "--home", "e" * 300), "cannot be used as a folder (File name too long)"),
        (("status", "--home", "e" * 300), "cannot be read (File name too long)"),
    ],
    ids=str,
)
def test_a_path_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "a-file").touch()
    monkeypatch.chdir(tmp_path)
    ended = told(*arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file", "landing"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody who may not write")
def test_a_home_that_may_only_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = new_home(Path(folder) / "home")
        (place.root / "home.lock").touch()
        for path in (Path(folder), *place.root.rglob("*"), place.root):
            path.chmod(0o555 if path.is_dir() else 0o444)
        os.seteuid(65534)
        try:
            assert holder(existing_home(place.root)) is None, "status tells who is at work"
            with pytest.raises(
                UsageError, match=r"cannot be used as a folder \(.* cannot be written to\). Give a folder"
            ):
                place.create()
            os.seteuid(0)
            place.root.chmod(0)
            os.seteuid(65534)
            with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\)"):
                existing_home(place.root)
            with pytest.raises(UsageError, match=r"--landing .*: cannot be read"):
                existing(place.root)
        finally:
            os.seteuid(0)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "2026-10-31"
    folder.mkdir()
    (tmp_path / NOT_UTF8).mkdir()
    assert unknown_folders(tmp_path) == ["pay\\xff"]
    (folder / f"{NOT_UTF8}.csv").touch()
    with pytest.raises(DeliveryRefused, match=r"the name of .*pay\\xff.csv is not UTF-8. Nothing was loaded"):
        refuse_unless_plain(folder / f"{NOT_UTF8}.csv", tmp_path, str(Delivery.parse("2026-10-31")))
    with pytest.raises(UsageError, match=r"--landing .*pay\\xff: its name is not UTF-8"):
        existing(tmp_path / NOT_UTF8)
    assert home.as_json({"file": NOT_UTF8}) == b'{\n  "file": "pay\\udcff"\n}\n'
    assert shown("客户.csv") == "客户.csv"


def test_nothing_that_is_told_steers_the_terminal(tmp_path: Path) -> None:
    ended = told("status", "--home", tmp_path / "\x1b[31mred")
    assert ended.exit_code == 2
    assert "\x1b" not in ended.stderr
    assert printable("行\t1\n\x1b[2J\x07\u202e") == "行\t1\n\ufffd[2J\ufffd\ufffd"
