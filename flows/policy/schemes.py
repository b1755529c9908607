"""Bucket schemes and default conventions: every day belongs to one bucket, every product has a convention."""

from __future__ import annotations

from itertools import pairwise

from flows.errors import UsageError
from flows.policy.seeds import Seed


def check_schemes(seed: Seed) -> None:
    """Every bucket scheme covers 1 day and more without gap or overlap (0 days may be left to `current`)."""
    schemes: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in enumerate(seed.rows, start=2):
        schemes.setdefault(row["scheme"], []).append((line, row))
    if "CN_M_STAGE" not in schemes:
        raise UsageError(f"{seed.path}: the scheme CN_M_STAGE is missing, and m_stage is read from it. Keep its rows.")
    for scheme, rows in schemes.items():
        check_buckets(seed, scheme, rows, may_start_at=("0", "1"))


def check_buckets(
    seed: Seed, scheme: str, rows: list[tuple[int, dict[str, str]]], may_start_at: tuple[str, ...]
) -> None:
    """The buckets of each version of a scheme follow each other upward, and its versions do not overlap."""
    versions: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
    for line, row in rows:
        versions.setdefault((row["valid_from"], row["valid_to"] or "9999-12-31"), []).append((line, row))
    for (_, ended), (begins, until) in pairwise(sorted(versions)):
        if begins <= ended:
            raise UsageError(
                f"{seed.path}, line {versions[begins, until][0][0]}: this version of {scheme} begins ({begins or 'always'}) "
                f"before the one before it has ended ({ended}). Allowed: versions whose valid_from and valid_to do not overlap."
            )
    for buckets in versions.values():
        buckets.sort(key=lambda item: int(item[1]["lower_days"]))
        reached = int(buckets[0][1]["lower_days"]) - 1 if buckets[0][1]["lower_days"] in may_start_at else -1
        for line, row in buckets:
            lower, upper = int(row["lower_days"]), row["upper_days"]
            if reached is None or lower != reached + 1:
                what = (
                    "overlaps the bucket before it" if reached is None or lower <= reached else "leaves a gap before it"
                )
                raise UsageError(
                    f"{seed.path}, line {line}: bucket {row['bucket']} of {scheme} starts at {lower} days and {what}. "
                    f"Allowed: buckets that follow each other from {' or '.join(may_start_at)} days on without gap or overlap."
                )
            reached = int(upper) if upper else None
        if reached is not None:
            raise UsageError(
                f"{seed.path}, line {buckets[-1][0]}: the last bucket of {scheme} ends at {reached} days. "
                "Allowed: an empty upper_days in the last one."
            )


def check_defaults(seeds: dict[str, Seed]) -> None:
    """The default conventions are one whole row, and name a calendar and a scheme that exist."""
    seed = seeds["convention_default"]
    if len(seed.rows) != 1:
        raise UsageError(f"{seed.path}: {len(seed.rows)} rows. Allowed: exactly one row of defaults.")
    row = seed.rows[0]
    for column in seed.column_types:
        if not row[column] and column not in ("evidence", "citation"):
            raise UsageError(f"{seed.path}, line 2, {column}: empty. Allowed: a value; products that name none get it.")
    for column, other in (("bucket_scheme", "bucket_scheme"), ("calendar", "calendar")):
        known = sorted({r[next(iter(seeds[other].column_types))] for r in seeds[other].rows})
        if row[column] not in known:
            raise UsageError(f"{seed.path}, line 2, {column}: {row[column]!r} is unknown. Allowed: {', '.join(known)}.")
    if sorted(row["component_order"].split(",")) != ["fee", "interest", "principal"]:
        raise UsageError(
            f"{seed.path}, line 2, component_order: {row['component_order']!r}. Allowed: fee, interest and principal, each "
            "once, separated by commas."
        )
