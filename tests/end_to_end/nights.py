"""What tests of the command share: its arguments, a further delivery, and what a publication says it holds."""

from __future__ import annotations

import json
from pathlib import Path


def hashes(publication: Path) -> dict[str, str]:
    manifest = json.loads((publication / "manifest.json").read_text())
    return {mart: facts["hash"] for mart, facts in manifest["marts"].items()}


def nightly(home: Path, *more: str) -> list[str]:
    """Under the policy of the demo, where the home is one and no other is given."""
    own = home / "policy"
    policy = ["--policy", str(own)] if own.is_dir() and "--policy" not in more else []
    return ["nightly", "--home", str(home), "--landing", str(home / "landing"), *policy, *more]


def next_delivery(home: Path, name: str = "2026-11-20", **files: str) -> Path:
    folder = home / "landing" / name
    folder.mkdir()
    for ledger, text in {"repayments": "repayment_id,loan_id,paid_on,amount\n", **files}.items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")
    return folder
