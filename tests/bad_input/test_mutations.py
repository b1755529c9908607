"""Bytes that nobody meant: a sound delivery with some of its bytes changed is loaded or refused in a sentence, never a traceback, and no
row is lost or invented. Some here, thousands by `make soak`."""

from __future__ import annotations

import gzip
import random
import shutil
import traceback
from pathlib import Path

from support import sized

from bad_input.lender import BOOK, FIRST, Lender, _gate
from flows.errors import ArrearsError
from flows.land import find_new_deliveries, prepare
from flows.policy import read_policy

CASES = sized(60, 20_000, "ARREARS_MUTATIONS")
SEED = sized(1, 1, "ARREARS_SEED")  # other cases

MAPPING = """\
encoding: utf-8
ledgers:
  loans:
    files: loans.csv
    columns: {loan_id: loan_id, principal: {source: principal, round: half_up}, currency: {value: CNY}}
    where: {customer_id: {not: [合计]}}
"""
POLICY = "setting,value\nhistory_months,12\nfpd_days,45\nreporting_currency,USD\nmax_quarantine_rate,0.05\n"
PIECES = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b'""', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\\", b"#", b"%", b"{", b"}", b"[", b"*", b"&a",
    b"!!python/object:os.system", b"<<: *x", b"0", b"-", b"-1", b"1e999", b"NaN", b"inf", b"9" * 40, b"0.005", b"=1+1", b'="1"', "合计".encode(),
    "张三".encode("gb18030"), "\u2028".encode(), "\u200b".encode(), "\U0001f600".encode(), b"\xed\xa0\x80", b"2026-02-30", b"1899-12-31", b"2262-04-12", b"9999-12-31",
    b"../../etc/passwd", b"null", b"true", b"~", b"- ", b": ", b" " * 300, b"a" * 5000, b"\x1b[2J",
]  # fmt: skip


def mutated(dice: random.Random, content: bytes) -> bytes:
    """One to four changes: a piece put in, a slice taken out, repeated or moved, a byte turned over."""
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        at, to = sorted((dice.randint(0, len(content)), dice.randint(0, len(content))))
        to = min(to, at + dice.choice([1, 1, 3, 20, 500]))
        before, between, after = content[:at], content[at:to], content[to:]
        piece, other = dice.choice(PIECES), bytes([dice.randrange(256)])
        content = dice.choice(
            [
                before + piece + between + after,
                before + piece + after,
                before + after,
                before + between + between + after,
                before + other + content[at + 1 :],
            ]
        )
    return content


def case(dice: random.Random) -> tuple[dict[str, bytes], bytes | None]:
    """The files of a delivery, and a policy.csv of the lender's own; one of them is not as it was meant."""
    files = {f"{ledger}.csv": text.encode(dice.choice(["utf-8", "gb18030"])) for ledger, text in BOOK.items()}
    policy = None
    which = dice.choice(["ledger", "ledger", "ledger", "gzip", "mapping", "policy", "name", "control"])
    name = dice.choice(sorted(files))
    if which == "ledger":
        files[name] = mutated(dice, files[name])
    elif which == "gzip":
        files[f"{name}.gz"] = mutated(dice, gzip.compress(files.pop(name), mtime=0))
    elif which == "mapping":
        files["mapping.yml"] = mutated(dice, MAPPING.encode())
    elif which == "policy":
        policy = mutated(dice, POLICY.encode())
    elif which == "name":
        new = mutated(dice, name.encode()).replace(b"/", b"").replace(b"\x00", b"")[:250]
        files[new.decode("utf-8", "surrogateescape") or "x"] = files.pop(name)
    else:
        control = "file,rows\n" + "".join(
            f"{file},{len(content.splitlines()) - 1}\n" for file, content in files.items()
        )
        files["delivery.csv"] = mutated(dice, control.encode())
    return files, policy


def test_changed_bytes_are_loaded_or_refused_in_a_sentence(tmp_path: Path) -> None:
    wrong = []
    for n in range(CASES):
        dice = random.Random(f"{SEED}-{n}")
        folder = tmp_path / "case"
        folder.mkdir()
        lender = Lender(folder)
        files, policy = case(dice)
        (folder / "landing" / FIRST).mkdir()
        try:
            for file, content in files.items():
                (folder / "landing" / FIRST / file).write_bytes(content)
        except OSError:  # a name that no file can have
            shutil.rmtree(folder)
            continue
        try:
            own = None
            if policy is not None:
                (folder / "policy").mkdir()
                (folder / "policy" / "policy.csv").write_bytes(policy)
                own = read_policy(folder / "policy")
            for delivery in find_new_deliveries(lender.landing, lender.home):
                totals, _ = _gate(prepare(lender.landing, lender.home, delivery, own or lender.policy))
                for total in totals:
                    for unit in ("rows", "amount"):
                        became = sum(
                            total[f"{unit}_{what}"] for what in ("filtered", "loaded", "duplicate", "quarantined")
                        )
                        if total[f"{unit}_read"] != became:
                            wrong.append((n, total["file"], unit, total[f"{unit}_read"], became))
        except ArrearsError as refused:
            if refused.exit_code not in (2, 3, 4) or "\n" in str(refused):
                wrong.append((n, type(refused).__name__, str(refused)))
        except Exception:
            wrong.append((n, traceback.format_exc(limit=-6)))
        shutil.rmtree(folder)
    assert not wrong, f"{len(wrong)} of {CASES}:\n" + "\n".join("  ".join(map(str, one)) for one in wrong[:20])
