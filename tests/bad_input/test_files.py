"""Files that are cut, damaged, or written in a way of their own: encodings, delimiters, quotes, gzip, Parquet."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from bad_input.lender import BOOK, FIRST, HEADERS, SECOND, Lender
from flows.landing import sources
from flows.listing import sha256_of

REPAYMENTS = BOOK["repayments"]
CHINESE = "customer_id,segment,name,region\nC1,个人,张三,上海\nC2,对公,东方贸易有限公司,杭州\n"


def parquet(path: Path, query: str) -> bytes:
    duckdb.sql(f"copy ({query}) to '{path}' (format parquet)")
    return path.read_bytes()


# ways of writing that are all right ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(REPAYMENTS.encode(), id="plain"),
        pytest.param(REPAYMENTS.rstrip("\n").encode(), id="last line without an end"),
        pytest.param(REPAYMENTS.replace(",", "\t").encode(), id="tab"),
        pytest.param(REPAYMENTS.replace(",", ";").encode(), id="semicolon"),
        pytest.param(REPAYMENTS.replace(",", "|").encode(), id="bar"),
        pytest.param(b"\xef\xbb\xbf" + REPAYMENTS.encode(), id="BOM"),
        pytest.param(REPAYMENTS.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(REPAYMENTS.replace("\n", "\r").encode(), id="lone CR"),
        pytest.param(b"\xef\xbb\xbf" + REPAYMENTS.replace("\n", "\r\n").replace(",", ";").encode(), id="all at once"),
        pytest.param(REPAYMENTS.replace("R1,", "\nR1,").encode(), id="blank line"),
        pytest.param(REPAYMENTS.replace(",", " , ").encode(), id="blanks around values"),
        pytest.param(REPAYMENTS.replace("R1,L1", '"R1","L1"').encode(), id="quoted"),
        pytest.param(REPAYMENTS.replace(",", "\t").replace("R1\tL1", '"R1"\t"L1"').encode(), id="quoted, tab"),
        pytest.param(REPAYMENTS.replace(",", "|").replace("R1|L1", '"R1"|"L1"').encode(), id="quoted, bar"),
        pytest.param(
            b'"repayment_id","loan_id","paid_on","amount"\r\n'
            + b'"R1","L1","2026-02-05","400.00"\r\n"R2","L2","2026-01-20","100.25"\r\n',
            id="all quoted",
        ),
        pytest.param(REPAYMENTS.replace("repayment_id", "Repayment_ID").encode(), id="header in capitals"),
    ],
)
def test_the_same_rows_however_they_are_written(lender: Lender, content: bytes) -> None:
    taken = lender.load(repayments=content)
    found = [(r["repayment_id"], r["loan_id"], str(r["paid_on"]), str(r["amount"])) for r in taken.rows("repayments")]
    assert found == [("R1", "L1", "2026-02-05", "400.00"), ("R2", "L2", "2026-01-20", "100.25")]
    assert [r["_line"] for r in taken.rows("repayments")] == [2, 3]
    assert taken.counts("repayments.csv") == (2, 0, 2, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_chinese_text_is_read_without_being_told_its_encoding(lender: Lender, encoding: str) -> None:
    taken = lender.load(customers=CHINESE.encode(encoding))
    row = taken.row("customers", "C2")
    assert (row["segment"], row["name"], row["region"]) == ("corporate", "东方贸易有限公司", "杭州")


def test_four_byte_gb18030(lender: Lender) -> None:
    taken = lender.load(customers=CHINESE.replace("张三", "张\U00020bb7€").encode("gb18030"))  # 𠮷 has no place in GBK
    assert taken.row("customers", "C1")["name"] == "张\U00020bb7€"


def test_parts_and_gzip_make_one_ledger(lender: Lender) -> None:
    lines = BOOK["installments"].splitlines(keepends=True)
    lender.deliver(
        installments="".join(lines[:3]),
        repayments=None,
        files={
            "installments.part2.csv": lines[0] + lines[3],
            "repayments.csv.gz": gzip.compress(REPAYMENTS.encode()),
            "loans.part2.csv.gz": gzip.compress((HEADERS["loans"] + "L3,C1,2026-02-01,2026-08-01,10,CNY\n").encode()),
        },
    )
    taken = lender.take()
    assert taken.keys("installments") == ["L1|1|1", "L1|1|2", "L2|1|1"]
    assert taken.keys("loans") == ["L1", "L2", "L3"]
    assert taken.counts("repayments.csv.gz", "repayments") == (2, 0, 2, 0, 0)
    assert taken.counts("installments.part2.csv") == (1, 0, 1, 0, 0)


def test_quoted_fields_hold_anything(lender: Lender) -> None:
    fields = {
        '"a, b"': "a, b",
        '"a\nb"': "a\nb",
        '"a\n\n\nb"': "a\n\n\nb",
        '"say ""no"""': 'say "no"',
        '""""': '"',
        '5" pipe 6"': '5" pipe 6"',
        '"x,""y"",\nz"': 'x,"y",\nz',
        '""': None,
        "plain": "plain",
    }
    rows = [f"C{n},{field},personal\n" for n, field in enumerate(fields, start=1)]
    taken = lender.load(customers="customer_id,industry,segment\n" + "".join(rows), loans=HEADERS["loans"])
    assert [row["industry"] for row in taken.rows("customers")] == list(fields.values())
    assert [row["_line"] for row in taken.rows("customers")] == list(range(2, 11)), "lines are record numbers"


def test_a_header_alone_is_no_rows(known: Lender) -> None:
    taken = known.load(SECOND, loans=HEADERS["loans"], repayments=HEADERS["repayments"].rstrip("\n"))
    assert taken.counts("repayments.csv") == (0, 0, 0, 0, 0)
    assert taken.counts("loans.csv") == (0, 0, 0, 0, 0)


def test_parquet_with_types_of_its_own(lender: Lender, tmp_path: Path) -> None:
    loans = parquet(
        tmp_path / "loans.parquet",
        """
        select * from (values
            ('L1', 'C1', date '2026-01-05', timestamp '2026-07-05 00:00:00', 1000.5::double, 'CNY', true),
            ('L2', 'C2', date '2026-01-05', null, 2500.50::double, 'CNY', null)
        ) as t (loan_id, customer_id, disbursed_on, matures_on, principal, currency, credit_impaired)
        """,
    )
    repayments = parquet(
        tmp_path / "repayments.parquet",
        """
        select * from (values
            (1::bigint, 'L1', 20260205, 400.00::decimal(38, 10), timestamptz '2026-02-05 23:30:00+00'),
            (2::bigint, 'L2', 20260120, 100.25::decimal(38, 10), null)
        ) as t (repayment_id, loan_id, paid_on, amount, posted_at)
        """,
    )
    lender.deliver(loans=None, repayments=None, files={"loans.parquet": loans, "repayments.parquet": repayments})
    taken = lender.take()
    assert [str(r["principal"]) for r in taken.rows("loans")] == ["1000.50", "2500.50"]
    assert [str(r["matures_on"]) for r in taken.rows("loans")] == ["2026-07-05", "None"]
    assert [r["credit_impaired"] for r in taken.rows("loans")] == [True, None]
    first = taken.row("repayments", "1")
    assert (str(first["paid_on"]), str(first["amount"]), str(first["posted_at"])) == (
        "2026-02-05", "400.00", "2026-02-05 23:30:00",
    )  # fmt: skip


def test_parquet_amounts_that_are_no_cents(lender: Lender, tmp_path: Path) -> None:
    content = parquet(
        tmp_path / "r.parquet",
        """
        select 'R' || n as repayment_id, 'L1' as loan_id, date '2026-02-05' as paid_on, amount
        from (values (1, 0.1::double + 0.2::double), (2, 'nan'::double), (3, '-inf'::double), (4, 0.3::double)) as t (n, amount)
        """,
    )
    thirds = parquet(
        tmp_path / "s.parquet",
        "select 'S1' as repayment_id, 'L1' as loan_id, date '2026-02-05' as paid_on, 1.005::decimal(10, 3) as amount",
    )
    lender.deliver(repayments=None, files={"repayments.parquet": content, "repayments.part2.parquet": thirds})
    taken = lender.take()
    assert taken.waiting() == [
        ("repayments.parquet", 2, ["too_many_decimals:amount"]),
        ("repayments.parquet", 3, ["not_a_number:amount"]),
        ("repayments.parquet", 4, ["not_a_number:amount"]),
        ("repayments.part2.parquet", 2, ["too_many_decimals:amount"]),
    ]
    assert '"repayment_id":"R1"' in taken.quarantine[0]["raw"]
    assert taken.keys("repayments") == ["R4"]


@pytest.mark.parametrize("folder", ["a*b", "a[1]b", "it's 空 格"])
def test_paths_are_taken_literally(tmp_path: Path, folder: str) -> None:
    for name in ("a1b", folder):  # the first would match, were the second a pattern
        (tmp_path / name).mkdir()
        lender = Lender(tmp_path / name)
        lender.deliver(files={"loans.part[2].csv": HEADERS["loans"], "loans.part2.csv": BOOK["loans"]})
        assert lender.take().counts("loans.part[2].csv", "loans") == (0, 0, 0, 0, 0)
    later = lender.load(SECOND, repayments=BOOK["repayments"] + "R9,L1,2026-03-01,1\n")
    assert later.counts("repayments.csv") == (3, 0, 1, 2, 0)


# rows that are no rows ----------------------------------------------------------------------------------------------


def test_ragged_rows(lender: Lender) -> None:
    rows = ["R3,L1,2026-02-06", "R3,L1,2026-02-06,10.00,", "R3,L1,2026-02-06,1,000.00", "R3", "   ", ",,,,"]
    taken = lender.load(repayments=REPAYMENTS + "\n".join(rows) + "\nR4,L1,2026-02-07,5\n")
    assert taken.waiting() == [("repayments.csv", n, ["ragged_row"]) for n in range(4, 10)]
    assert [q["raw"] for q in taken.quarantine] == rows
    assert {q["amount"] for q in taken.quarantine} == {0}, "what cannot be typed counts 0"
    assert taken.counts("repayments.csv") == (9, 0, 3, 0, 6)


def test_text_after_a_closing_quote(lender: Lender) -> None:
    taken = lender.load(repayments=REPAYMENTS + '"R3"x,L1,2026-02-06,10.00\n')
    assert taken.waiting() == [("repayments.csv", 4, ["malformed_quotes"])]
    assert taken.quarantine[0]["raw"] == '"R3"x,L1,2026-02-06,10.00'


# files that refuse the delivery -------------------------------------------------------------------------------------


def test_empty_file(lender: Lender) -> None:
    lender.deliver(repayments="")
    message = lender.refuse()
    assert "repayments.csv is empty (0 bytes)" in message
    assert "header alone" in message


@pytest.mark.parametrize("content", ["\n", "\n\n\n", "  \n"])
def test_blank_lines_only(lender: Lender, content: str) -> None:
    lender.deliver(repayments=content)
    assert "repayments.csv" in lender.refuse()


def test_wrong_delimiter(lender: Lender) -> None:
    lender.deliver(repayments=REPAYMENTS.replace(",", "^"))
    message = lender.refuse()
    assert "repayments.csv, line 1" in message
    assert "'repayment_id^loan_id^paid_on^amount'" in message
    assert "is the delimiter one of comma, tab, ; and |?" in message


def test_missing_column(lender: Lender) -> None:
    lender.deliver(repayments="repayment_id,loan_id,paid_at,amount\nR1,L1,2026-02-05,400\n")
    message = lender.refuse()
    assert "repayments.csv, line 1: the repayments ledger needs the column paid_on (还款日期/实还日期)" in message
    assert "'paid_at'" in message, "says what the header has"


def test_two_headers_for_one_column(lender: Lender) -> None:
    lender.deliver(repayments="repayment_id,loan_id,paid_on,实还日期,amount\nR1,L1,2026-02-05,2026-02-06,400\n")
    message = lender.refuse()
    assert "line 1: paid_on and 实还日期 both name the column paid_on" in message


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        pytest.param('R3,"L1,2026-02-06,10.00\nR4,L1,2026-02-07,5\n', 4, id="to the end of the file"),
        pytest.param(
            'R3,"L1,2026-02-06,10.00\nR4,L1,2026-02-07,"5\nR5,L1,2026-02-07,5\n', 4, id="to the next stray quote"
        ),
        pytest.param('R3,L1,2026-02-06,"10.00', 4, id="in the last line"),
    ],
)
def test_unclosed_quote(lender: Lender, bad: str, line: int) -> None:
    lender.deliver(repayments=REPAYMENTS + bad)
    message = lender.refuse()
    assert f"repayments.csv, line {line}: a quoted field that starts here is not closed" in message


def test_damaged_utf8(lender: Lender) -> None:
    lender.deliver(customers=CHINESE.encode().replace("杭州".encode(), "杭州".encode()[:-2] + b","))
    message = lender.refuse()
    assert "customers.csv, line 3: the bytes e5 do not decode as UTF-8" in message
    assert "Allowed: UTF-8 (with or without BOM), GB18030 or GBK" in message


def test_neither_utf8_nor_gb18030(lender: Lender) -> None:
    lender.deliver(customers=CHINESE.encode("gbk") + b"C3,\xff\xff,x,y\n")
    message = lender.refuse()
    assert "customers.csv, line 4: the bytes ff do not decode as UTF-8 nor as GB18030" in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16(lender: Lender, encoding: str) -> None:
    lender.deliver(repayments=REPAYMENTS.encode(encoding))
    message = lender.refuse()
    assert "repayments.csv" in message
    assert "UTF-16" in message
    assert "Save it as UTF-8" in message


def test_nul_bytes(lender: Lender) -> None:
    lender.deliver(repayments=REPAYMENTS.replace("R2", "R2\0\0"))
    message = lender.refuse()
    assert "repayments.csv is no text in UTF-8 or GB18030: line 3 holds NUL bytes" in message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(REPAYMENTS.encode() * 50)[:-30], id="cut off"),
        pytest.param(gzip.compress(REPAYMENTS.encode())[:-1], id="cut off by one byte"),
        pytest.param(b"this is no gzip", id="not gzip"),
        pytest.param(gzip.compress(REPAYMENTS.encode())[:20] + b"\xff" * 40, id="garbage"),
        pytest.param(gzip.compress(REPAYMENTS.encode())[:-8] + b"\0" * 8, id="wrong checksum"),
    ],
)
def test_damaged_gzip(lender: Lender, content: bytes) -> None:
    lender.deliver(repayments=None, files={"repayments.csv.gz": content})
    message = lender.refuse()
    assert "repayments.csv.gz cannot be decompressed" in message
    assert "eliver the file again" in message


def test_gzip_of_nothing(lender: Lender) -> None:
    lender.deliver(repayments=None, files={"repayments.csv.gz": gzip.compress(b"")})
    assert "repayments.csv.gz is empty (0 bytes once decompressed)" in lender.refuse()


@pytest.mark.parametrize("damage", ["cut off", "not parquet", "garbage inside"])
def test_damaged_parquet(lender: Lender, tmp_path: Path, damage: str) -> None:
    good = parquet(
        tmp_path / "r.parquet",
        "select 'R' || i as repayment_id, 'L1' as loan_id, date '2026-02-05' as paid_on, i::decimal(9, 2) as amount "
        "from range(1, 5000) as t (i)",
    )
    middle = len(good) // 3
    content = {
        "cut off": good[: len(good) // 2],
        "not parquet": b"PAR1 it is not",
        "garbage inside": good[:middle] + b"\xff" * 3000 + good[middle + 3000 :],
    }[damage]
    lender.deliver(repayments=None, files={"repayments.parquet": content})
    message = lender.refuse()
    assert "repayments.parquet cannot be read as Parquet" in message
    assert "eliver the file again" in message


def test_a_link_that_leads_nowhere(lender: Lender) -> None:
    folder = lender.deliver(repayments=None)
    (folder / "repayments.csv").symlink_to(folder / "gone.csv")
    assert "repayments.csv is a link that leads nowhere" in lender.refuse()


# what is no data file -----------------------------------------------------------------------------------------------


def test_files_of_other_names_are_named_and_left_alone(lender: Lender) -> None:
    taken = lender.load(files={"notes.txt": "hello", "branches.csv": "branch_id\n1\n", ".hidden": "x"})
    assert [key for _, key, _ in taken.warned("ignored_file")] == ["branches.csv", "notes.txt"]


def test_unknown_header_is_kept_out_and_reported(lender: Lender) -> None:
    taken = lender.load(repayments="repayment_id,loan_id,paid_on,amount,teller\nR1,L1,2026-02-05,400.00,Zhang\n")
    assert taken.warned("unmapped_column") == [(None, "repayments.csv", "column teller was kept out")]
    assert taken.counts("repayments.csv") == (1, 0, 1, 0, 0)
    assert taken.record["files"][3]["unmapped_columns"] == ["teller"]
    assert taken.record["delivery"] == FIRST


def test_a_line_that_is_too_long_is_not_lost_in_silence(known: Lender) -> None:
    """The engine leaves out a last line without an end where it is longer than a line may be, and says nothing."""
    known.deliver(SECOND, repayments=HEADERS["repayments"] + "R3,L1,2026-03-05,1.00\n" + "x" * (9 << 20))
    assert "repayments.csv" in (said := known.refuse())
    assert "A line may have 8,388,608 bytes" in said


def test_a_file_that_grows_while_it_is_read_is_refused(known: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on record as its hash would not be that of the bytes that were loaded."""

    def hashed_while_the_sender_writes(path: Path) -> str:
        found = sha256_of(path)
        with open(path, "a") as file:
            file.write("R4,L1,2026-03-06,1.00\n")
        return found

    known.deliver(SECOND, repayments=HEADERS["repayments"] + "R3,L1,2026-03-05,1.00\n")
    monkeypatch.setattr(sources, "sha256_of", hashed_while_the_sender_writes)
    assert "repayments.csv changed while it was read" in known.refuse()
