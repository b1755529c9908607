"""Bucket schemes and default conventions: every day belongs to one bucket, every product has a convention."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from flows.errors import UsageError
from flows.policy.seeds import Seed, shipped_seeds

M_STAGES = "CN_M_STAGE"


def check_schemes(seed: Seed) -> None:
    """Every bucket scheme covers 1 day and more without gap or overlap (0 days may be left to `current`)."""
    schemes: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in enumerate(seed.rows, start=2):
        schemes.setdefault(row["scheme"], []).append((line, row))
    if M_STAGES not in schemes:
        raise UsageError(f"{seed.path}: the scheme {M_STAGES} is missing, and m_stage is read from it. Keep its rows.")
    _check_m_stages(seed, schemes[M_STAGES])
    for scheme, rows in schemes.items():
        check_buckets(seed, scheme, rows, may_start_at=("0", "1"))


@cache
def m_stages() -> tuple[tuple[str, int, int | None], ...]:
    """The M stages as shipped: code, first day, last day (None: open). Everything that counts in M stages reads them here."""
    rows = [row for row in shipped_seeds()["bucket_scheme"].rows if row["scheme"] == M_STAGES]
    return tuple((row["bucket"], *_edges(row)) for row in sorted(rows, key=lambda row: int(row["lower_days"])))


def _edges(row: dict[str, str]) -> tuple[int, int | None]:
    return int(row["lower_days"]), int(row["upper_days"]) if row["upper_days"] else None


def _check_m_stages(seed: Seed, rows: list[tuple[int, dict[str, str]]]) -> None:
    """`m_stage`, roll rates and conduct speak of M1 to M7+ by their days: a policy may add schemes, not move these."""
    edges = {bucket: (first, last) for bucket, first, last in m_stages()}
    for line, row in rows:
        if edges.get(row["bucket"]) != _edges(row):
            allowed = ", ".join(
                f"{b} {first} to {last} days" if last is not None else f"{b} from {first} days on"
                for b, first, last in m_stages()
            )
            raise UsageError(
                f"{seed.path}, line {line}: {row['bucket']} of {M_STAGES} from {row['lower_days']} to "
                f"{row['upper_days'] or 'any number of'} days. The edges of the M stages are fixed: {allowed}. Name stages of "
                "other days in a scheme of your own."
            )
    versions: dict[str, set[str]] = {}
    for _, row in rows:
        versions.setdefault(row["valid_from"], set()).add(row["bucket"])
    for line, row in rows:
        if missing := edges.keys() - versions[row["valid_from"]]:
            raise UsageError(
                f"{seed.path}, line {line}: {M_STAGES} has no {', '.join(sorted(missing))}. Allowed: all of {', '.join(edges)}."
            )


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


def check_statement_rows(rows: Seed, schemes: Seed) -> None:
    """A statement's row names a bucket of its scheme."""
    known: dict[str, list[str]] = {}
    for row in schemes.rows:
        known.setdefault(row["scheme"], ["current"]).append(row["bucket"])
    for line, row in enumerate(rows.rows, start=2):
        if row["bucket"] not in known[row["scheme"]]:
            raise UsageError(
                f"{rows.path}, line {line}, bucket: {row['scheme']} has no bucket {row['bucket']!r}. "
                f"Allowed: {', '.join(known[row['scheme']])}."
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
