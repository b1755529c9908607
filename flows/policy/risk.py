"""What a policy of classification must be: wrong rules would classify silently."""

from __future__ import annotations

from collections.abc import Mapping

from flows.errors import UsageError
from flows.policy.seeds import Seed

# What models can look at; a rule on anything else must say that it is not evaluated.
TRIGGERS = (
    "days_past_due", "material_days_past_due", "advance_days", "technical_overdue_days", "credit_impaired_flag",
    "restructured_flag", "restructured_still_overdue_flag", "debtor_npl_flag", "debtor_npl_share",
)  # fmt: skip


def check_risk(seeds: Mapping[str, Seed], settings: Mapping[str, str]) -> None:
    """Refuse a regime or scheme that does not exist or has gaps, and rules that no model can judge."""
    _check_regime(seeds, settings["risk_regime"])
    _check_rules(seeds["risk_class_rule"])
    _check_materiality(seeds)
    _check_provisions(seeds["provision_rate"], settings["provision_scheme"])
    _check_migrations(seeds["migration_rate"])


def _check_regime(seeds: Mapping[str, Seed], regime: str) -> None:
    treatments, chosen = seeds["risk_treatment"], seeds["risk_rule_set"]
    known = sorted({row["regime"] for row in treatments.rows})
    if regime not in known:
        raise UsageError(f"policy, setting risk_regime: {regime!r} is not allowed. Allowed: {', '.join(known)}.")
    sets = {row["rule_set"] for row in seeds["risk_class_rule"].rows}
    for line, row in enumerate(chosen.rows, start=2):
        if row["rule_set"] not in sets:
            raise UsageError(
                f"{chosen.path}, line {line}, rule_set: {row['rule_set']!r} has no rule. Allowed: {', '.join(sorted(sets))}."
            )
    for seed in (treatments, chosen):
        there = {(row["asset_class"], row["segment"]) for row in seed.rows if row["regime"] == regime}
        for asset_class in seed.allowed["asset_class"]:
            for segment in seed.allowed["segment"]:
                if (asset_class, segment) not in there:
                    raise UsageError(
                        f"{seed.path}: regime {regime} has no row for {asset_class}, {segment}. "
                        "Allowed: one for each asset class and segment."
                    )


def _check_rules(seed: Seed) -> None:
    ids = {row["rule_id"] for row in seed.rows}
    for line, row in enumerate(seed.rows, start=2):
        where = f"{seed.path}, line {line}"
        if row["evaluated"] != "no" and row["trigger"] not in TRIGGERS:
            raise UsageError(
                f"{where}, trigger: {row['trigger']!r} cannot be judged from the ledgers. Allowed: evaluated = no, or one of "
                f"{', '.join(TRIGGERS)}."
            )
        if row["evaluated"] != "yes" and not row["needs"]:
            raise UsageError(
                f"{where}, needs: empty. Allowed: what the ledgers lack, for a rule that is not evaluated."
            )
        if row["lifts_rule"] and row["lifts_rule"] not in ids:
            raise UsageError(f"{where}, lifts_rule: there is no rule {row['lifts_rule']}.")


def _check_materiality(seeds: Mapping[str, Seed]) -> None:
    """A rule on material arrears without a threshold would never hold, and nobody would know."""
    seed = seeds["materiality_threshold"]
    there = {(row["regime"], row["segment"]) for row in seed.rows}
    rules = seeds["risk_class_rule"].rows
    sets = {row["rule_set"] for row in rules if row["trigger"] == "material_days_past_due"}
    for row in seeds["risk_rule_set"].rows:
        if row["rule_set"] in sets and (row["regime"], row["segment"]) not in there:
            raise UsageError(
                f"{seed.path} has no row for {row['regime']}, {row['segment']}. Allowed: one for each segment of a regime "
                f"with a rule on material arrears ({row['rule_set']})."
            )


def _check_provisions(seed: Seed, scheme: str) -> None:
    known = sorted({row["scheme"] for row in seed.rows})
    if scheme not in known:
        raise UsageError(f"policy, setting provision_scheme: {scheme!r} is not allowed. Allowed: {', '.join(known)}.")
    for name in known:
        there = {row["risk_class"] for row in seed.rows if row["scheme"] == name}
        if lacking := sorted({"1", "2", "3", "4", "5"} - there):
            raise UsageError(f"{seed.path}: scheme {name} has no rate for class {', '.join(lacking)}.")


def _check_migrations(seed: Seed) -> None:
    """A rate whose classes are in the wrong order would be empty, or call what stayed migrated."""
    for line, row in enumerate(seed.rows, start=2):
        first, last, worse = (int(row[column]) for column in ("from_class_min", "from_class_max", "to_class_min"))
        if not first <= last < 5:
            raise UsageError(
                f"{seed.path}, line {line}, from_class_max: {last}. Allowed: {first} to 4, from from_class_min on."
            )
        if not first < worse:
            raise UsageError(
                f"{seed.path}, line {line}, to_class_min: {worse}. Allowed: {first + 1} to 5, worse than {first}."
            )
