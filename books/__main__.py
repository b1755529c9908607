"""python -m books LANDING [--loans 1000] [--seed 1] [--delivery YYYY-MM-DD ...] [--format csv|csv.gz|parquet] [--clean]"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from books import DEFAULT_DELIVERIES, generate


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m books", description="Write invented lender ledgers, delivery by delivery."
    )
    parser.add_argument("landing", type=Path, help="folder that gets one folder per delivery")
    parser.add_argument("--loans", type=int, default=1000, help="loans disbursed up to the last delivery (1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another book (1)")
    parser.add_argument(
        "--delivery", type=date.fromisoformat, action="append", metavar="YYYY-MM-DD", help="repeat it for each delivery"
    )
    parser.add_argument("--format", choices=["csv", "csv.gz", "parquet"], default="csv")
    parser.add_argument("--clean", action="store_true", help="plant neither bad nor repeated rows")
    args = parser.parse_args()
    try:
        book = generate(
            args.landing,
            loans=args.loans,
            seed=args.seed,
            deliveries=args.delivery or DEFAULT_DELIVERIES,
            file_format=args.format,
            dirty_rows=0 if args.clean else 6,
        )
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))
    for day, rows in book.rows.items():
        print(f"{day}  " + "  ".join(f"{ledger} {count:,}" for ledger, count in rows.items() if count))
    for bad in book.dirty:
        print(f"{bad.delivery}  {bad.ledger}: {bad.reason}, planted in {bad.file}")


if __name__ == "__main__":
    main()
