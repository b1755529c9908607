"""The policy: what `--policy DIR` may override, what it is refused for, and when policy_version changes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.policy import PROJECT, read_policy
from flows.policy.risk import TRIGGERS
from flows.policy.schemes import m_stages

SHIPPED = read_policy()
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write("policy.csv", text)` puts a file into a policy folder; returns the folder."""

    def put(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path

    return put


def shipped_text(seed: str) -> str:
    return SHIPPED.seeds[seed].path.read_text("utf-8")


def changed(seed: str, **cells: str) -> str:
    """The shipped seed with other values in the last row."""
    rows = SHIPPED.seeds[seed].rows
    return as_text([*rows[:-1], {**rows[-1], **cells}])


def as_text(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def scheme(*edges: tuple[str, str]) -> str:
    """A bucket_scheme.csv of the shipped schemes and one called OURS with these edges."""
    rows = SHIPPED.seeds["bucket_scheme"].rows
    ours = [
        {
            **rows[0],
            "scheme": "OURS",
            "bucket": f"B{n}",
            "bucket_order": str(n),
            "lower_days": lower,
            "upper_days": upper,
        }
        for n, (lower, upper) in enumerate(edges)
    ]
    return as_text([*rows, *ours])


def refused(folder: Path, *told: str) -> None:
    """It is refused with exit code 2, and the message says all of this."""
    with pytest.raises(UsageError) as caught:
        read_policy(folder)
    assert caught.value.exit_code == 2
    for words in told:
        assert words in str(caught.value)


# ------------------------------------------------------------------------------------------------ what is refused


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such folder")


def test_a_file_that_is_no_seed(write: Write) -> None:
    refused(write("bucket_schemes.csv", "x\n"), "bucket_schemes.csv", "Did you mean bucket_scheme.csv?", "Allowed: ")


def test_a_file_that_is_no_csv(write: Write) -> None:
    refused(write("policy.xlsx", ""), "policy.xlsx", "(.csv)")


def test_a_hidden_file_is_left_alone(write: Write) -> None:
    assert read_policy(write(".DS_Store", "")).version == SHIPPED.version


def test_a_missing_and_an_unknown_column(write: Write) -> None:
    text = shipped_text("calendar").replace("confirmed_until", "confirmed_to", 1)
    refused(write("calendar.csv", text), "line 1", "missing confirmed_until", "unknown confirmed_to")


def test_a_row_with_a_field_too_many(write: Write) -> None:
    refused(
        write("calendar_day.csv", shipped_text("calendar_day") + "CN,2027-01-01,day_off,a,b,c\n"), "6 fields", "has 5"
    )


@pytest.mark.parametrize(
    ("seed", "column", "value", "told"),
    [
        ("convention_default", "grace_days", "three", "'three' is not a whole number"),
        ("convention_default", "tolerance_rate", "5%", "'5%' is not a decimal number"),
        ("convention_default", "charges_age", "yes", "'yes' is not true or false"),
        ("calendar_day", "day", "2027/01/01", "'2027/01/01' is not a date such as 2026-11-22"),
        ("convention_default", "day_count", "act/360", "Allowed: exclude_due_date, include_due_date"),
        ("calendar_day", "kind", "holiday", "Allowed: day_off, make_up_working_day"),
    ],
)
def test_a_value_of_the_wrong_type_or_code(write: Write, seed: str, column: str, value: str, told: str) -> None:
    line = len(SHIPPED.seeds[seed].rows) + 1
    refused(write(f"{seed}.csv", changed(seed, **{column: value})), f"line {line}, {column}", told)


def test_a_key_that_stands_twice(write: Write) -> None:
    text = shipped_text("calendar_day")
    refused(write("calendar_day.csv", text + text.splitlines()[1] + "\n"), "stands on line 2 already")


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "calendar.csv").write_bytes("calendar,中国".encode("gbk"))
    refused(tmp_path, "calendar.csv", "Save it as UTF-8")


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([("0", "0"), ("2", "")], "leaves a gap"),
        ([("2", "")], "leaves a gap"),
        ([("0", "30"), ("30", "")], "overlaps"),
        ([("0", ""), ("31", "")], "overlaps"),
        ([("0", "30"), ("31", "60")], "ends at 60 days"),
    ],
)
def test_a_scheme_with_a_gap_or_an_overlap(write: Write, edges: list[tuple[str, str]], told: str) -> None:
    refused(write("bucket_scheme.csv", scheme(*edges)), "OURS", told, "Allowed: ")


@pytest.mark.parametrize("edges", [[("0", "")], [("1", "")], [("0", "0"), ("1", "30"), ("31", "")]])
def test_a_scheme_may_begin_at_0_or_1(write: Write, edges: list[tuple[str, str]]) -> None:
    read_policy(write("bucket_scheme.csv", scheme(*edges)))


def test_a_setting_that_does_not_exist(write: Write) -> None:
    refused(write("policy.csv", "setting,value\nfpd_day,7\n"), "line 2", "no setting fpd_day", "Did you mean fpd_days?")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fpd_days", "many"),
        ("max_quarantine_rate", "0,5"),
        ("control_file_required", "1"),
        ("history_complete_from", "2020"),
    ],
)
def test_a_setting_of_the_wrong_type(write: Write, setting: str, value: str) -> None:
    refused(write("policy.csv", f'setting,value\n{setting},"{value}"\n'), f"line 2, {setting}", value, "Allowed: ")


def without(seed: str, **cells: str) -> str:
    """The shipped seed without the rows that have these cells."""
    return as_text([row for row in SHIPPED.seeds[seed].rows if any(row[c] != v for c, v in cells.items())])


def m_stages_by(days: int) -> str:
    """The shipped schemes, with M stages of so many days each."""
    rows = []
    for row in SHIPPED.seeds["bucket_scheme"].rows:
        n = int(row["bucket_order"])
        if row["scheme"] == "CN_M_STAGE" and n:
            row = {**row, "lower_days": str(1 + (n - 1) * days), "upper_days": str(n * days) if n < 7 else ""}
        rows.append(row)
    return as_text(rows)


def test_the_m_stages_are_those_of_the_contract() -> None:
    begun = [(f"M{n}", 1 + 30 * (n - 1), 30 * n) for n in range(1, 7)]
    assert m_stages() == (("M0", 0, 0), *begun, ("M7+", 181, None))


def test_a_policy_that_moves_the_edges_of_the_m_stages_is_refused_with_its_line(write: Write) -> None:
    refused(
        write("bucket_scheme.csv", m_stages_by(29)), "line 3: M1 of CN_M_STAGE from 1 to 29 days", "M1 1 to 30 days"
    )


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        pytest.param("policy", "setting,value\nfpd_days,\n", id="empty number"),
        pytest.param("policy", "setting,value\nfpd_days,-5\n", id="negative days"),
        pytest.param("policy", "setting,value\nexpected_ledgers,repaymets\n", id="unknown ledger"),
        pytest.param("convention_default", changed("convention_default", component_order="fee,interest"), id="order"),
        pytest.param("policy", "setting,value\ncollection_jurisdictions,CN XX\n", id="no rules of this jurisdiction"),
        pytest.param(
            "collection_rule", changed("collection_rule", operator="in", window_start="22.00"), id="not a time"
        ),
        pytest.param("collection_rule", changed("collection_rule", limit_value=""), id="no limit"),
        pytest.param("part_of_day", changed("part_of_day", to_clock="10 pm"), id="no time of day"),
        pytest.param("part_of_day", changed("part_of_day", from_clock="17:59"), id="parts of the day overlap"),
        pytest.param("part_of_day", changed("part_of_day", to_clock="02:00"), id="a part over midnight"),
        pytest.param("convention_default", changed("convention_default", bucket_scheme="NONE"), id="unknown scheme"),
        pytest.param("convention_default", changed("convention_default", calendar="NONE"), id="unknown calendar"),
        pytest.param("convention_default", changed("convention_default", grace_days=""), id="default left empty"),
        pytest.param("convention_default", shipped_text("convention_default").splitlines()[0] + "\n", id="no default"),
        pytest.param("bucket_scheme", without("bucket_scheme", scheme="CN_M_STAGE"), id="M stages removed"),
        pytest.param("bucket_scheme", m_stages_by(29), id="M stages of 29 days"),
        pytest.param("bucket_scheme", without("bucket_scheme", bucket="M7+", scheme="CN_M_STAGE"), id="no M7+"),
        pytest.param(
            "bucket_scheme",
            as_text(
                [
                    *SHIPPED.seeds["bucket_scheme"].rows,
                    {
                        **SHIPPED.seeds["bucket_scheme"].rows[0],
                        "bucket": "X",
                        "upper_days": "",
                        "valid_from": "2020-01-01",
                    },
                ]
            ),
            id="two versions at once",
        ),
        pytest.param("advance_bucket", without("advance_bucket", bucket="A2"), id="durations with a gap"),
        pytest.param("advance_bucket", without("advance_bucket", bucket="A1"), id="durations from 31 days on"),
        pytest.param(
            "advance_bucket", changed("advance_bucket", valid_from="2020-01-01"), id="a version of one bucket"
        ),
        pytest.param(
            "advance_bucket",
            as_text([{**row, "valid_from": "2020-01-01"} for row in SHIPPED.seeds["advance_bucket"].rows]),
            id="no durations before 2020",
        ),
        pytest.param("advance_kind", without("advance_kind", kind="card"), id="kind of advance missing"),
        pytest.param("advance_kind", changed("advance_kind", long_held_after_days=""), id="never long held"),
        pytest.param("migration_rate", changed("migration_rate", from_class_max="5"), id="a loss migrates no further"),
        pytest.param("migration_rate", changed("migration_rate", from_class_max="3"), id="classes the wrong way round"),
        pytest.param("migration_rate", changed("migration_rate", to_class_min="4"), id="no worse class"),
        pytest.param("customer_type", without("customer_type", customer_type="new"), id="type missing"),
        pytest.param("customer_type", changed("customer_type", precedence="1"), id="two types come first"),
        pytest.param("collateral_haircut", without("collateral_haircut", kind="*"), id="no haircut for other kinds"),
        pytest.param("collateral_haircut", changed("collateral_haircut", haircut="30"), id="a haircut in per cent"),
        pytest.param("policy", "setting,value\ntarget_loan_to_value,0\n", id="a target that nothing reaches"),
        pytest.param("capacity_rule", without("capacity_rule", rule="no_sign"), id="no rule for everybody"),
        pytest.param("capacity_rule", changed("capacity_rule", loan_days_from="", advance_days_from=""), id="no limit"),
        pytest.param(
            "capacity_rule", changed("capacity_rule", severity="60", signal="watch"), id="two signals at once"
        ),
    ],
)
def test_what_no_run_could_use(write: Write, seed: str, text: str) -> None:
    with pytest.raises(UsageError):
        read_policy(write(f"{seed}.csv", text))


# ------------------------------------------------------------------------------------------------ what is taken


def test_settings_that_differ_are_merged_and_the_others_stay(write: Write) -> None:
    policy = read_policy(write("policy.csv", "setting,value\nfpd_days,7\nmax_quarantine_rate,0.01\n"))
    assert policy.settings == {**SHIPPED.settings, "fpd_days": "7", "max_quarantine_rate": "0.01"}


def test_another_file_replaces_its_seed_whole(write: Write) -> None:
    header, first = shipped_text("calendar").splitlines()[:2]
    policy = read_policy(write("calendar.csv", f"{header}\n{first}\n"))
    assert [row["calendar"] for row in policy.seeds["calendar"].rows] == ["CN"]
    assert policy.content().keys() == SHIPPED.content().keys()


# ------------------------------------------------------------------------------------------------ policy_version


def test_policy_version_is_the_same_for_the_same_rules(write: Write) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", SHIPPED.version)
    assert read_policy().version == SHIPPED.version
    for seed in SHIPPED.seeds:
        write(f"{seed}.csv", shipped_text(seed))
    folder = write("policy.csv", "setting,value\nfpd_days,30\n")  # the shipped value, said again
    assert read_policy(folder).version == SHIPPED.version


@pytest.mark.parametrize(
    ("seed", "cells"),
    [
        ("convention_default", {"grace_days": "3"}),
        ("bucket_scheme", {"label_en": "Over three years"}),
        ("calendar", {"confirmed_until": "2027-12-31"}),
        ("calendar_day", {"name_en": "Another name"}),
    ],
)
def test_policy_version_changes_with_any_cell_of_any_seed(write: Write, seed: str, cells: dict[str, str]) -> None:
    assert read_policy(write(f"{seed}.csv", changed(seed, **cells))).version != SHIPPED.version


@pytest.mark.parametrize("setting", sorted(SHIPPED.settings))
def test_policy_version_changes_with_any_setting(write: Write, setting: str) -> None:
    others = {
        "false": "true",
        "CNY": "USD",
        "CN": "IN",
        "days_360": "days_365",
        "": "2020-01-01",
        "repayments": "repayments loans",
        "CN_SPECIFIC_2002": "CN_MOF_2012_20",
        "whole": "by_90_days",
    }
    value = others.get(SHIPPED.settings[setting], "1")
    value = "2" if value == SHIPPED.settings[setting] else value
    assert read_policy(write("policy.csv", f"setting,value\n{setting},{value}\n")).version != SHIPPED.version


# ------------------------------------------------------------------------------------------------ classification


@pytest.mark.parametrize(
    ("seed", "cells", "told"),
    [
        ("risk_class_rule", {"trigger": "smells_bad_flag"}, "cannot be judged from the ledgers"),
        ("risk_class_rule", {"evaluated": "no", "needs": ""}, "what the ledgers lack"),
        ("risk_class_rule", {"lifts_rule": "NO_SUCH"}, "there is no rule NO_SUCH"),
        ("risk_class_rule", {"floor_class": "6"}, "Allowed: 1, 2, 3, 4, 5"),
        ("risk_rule_set", {"rule_set": "NO_SUCH"}, "'NO_SUCH' has no rule"),
        ("risk_treatment", {"upgrade": "never"}, "Allowed: days, cure_rule"),
        ("risk_treatment", {"cure_scope": "group"}, "Allowed: item, debtor"),
        ("materiality_threshold", {"judged_on": "group"}, "Allowed: item, debtor"),
        ("materiality_threshold", {"absolute_amount": ""}, "absolute_amount: empty"),
        ("case_cause", {"shown_zh": ""}, "shown_zh: empty"),
        ("watch_signal", {"measures": ""}, "measures: empty"),
        ("materiality_threshold", {"regime": "EU2"}, "has no row for EU, corporate"),
    ],
)
def test_a_rule_that_nobody_can_judge_is_refused(write: Write, seed: str, cells: dict[str, str], told: str) -> None:
    refused(write(f"{seed}.csv", changed(seed, **cells)), told)


def test_a_regime_and_a_scheme_are_whole(write: Write) -> None:
    refused(write("policy.csv", "setting,value\nrisk_regime,MARS\n"), "'MARS' is not allowed", "CN_SME")
    refused(write("policy.csv", "setting,value\nprovision_scheme,NONE\n"), "'NONE' is not allowed", "CN_MOF_2012_20")
    write("policy.csv", "setting,value\n")
    rows = [row for row in SHIPPED.seeds["risk_treatment"].rows if row["asset_class"] != "card"]
    folder = write("risk_treatment.csv", as_text(rows))
    refused(folder, "regime CN has no row for card, personal")
    (folder / "risk_treatment.csv").unlink()
    refused(write("provision_rate.csv", as_text(SHIPPED.seeds["provision_rate"].rows[:-1])), "no rate for class 5")


# ------------------------------------------------------------------------------ nothing is wrong in silence


@pytest.mark.parametrize(
    ("seed", "cells", "told"),
    [
        ("watch_signal", {"signal_id": "no_such_signal"}, "signal_id: 'no_such_signal' is not allowed. Allowed: rolling_forward"),
        ("watch_signal", {"measures": "more_collateral no_such"}, "measures: 'no_such' is no measure_id of measure.csv"),
        ("case_cause", {"measure_id": "no_such"}, "measure_id: 'no_such' is no measure_id of measure.csv"),
        ("statement_row", {"scheme": "NO_SUCH"}, "scheme: 'NO_SUCH' is no scheme of bucket_scheme.csv"),
        ("statement_row", {"bucket": "N99"}, "bucket: EU_FINREP_F18 has no bucket 'N99'"),
        ("collection_channel", {"channel_code": "FAX"}, "channel_code: 'FAX' is not allowed"),
        ("bucket_scheme", {"label_zh": ""}, "label_zh: empty"),
        ("collection_rule", {"topic_en": ""}, "topic_en: empty"),
        ("part_of_day", {"part_order": "0"}, "part_order: 0 at from_clock"),
        ("collection_treatment", {"steps": "FAX"}, "steps: 'FAX' is no channel_code of collection_channel.csv"),
        ("collection_treatment", {"steps": "PHONE POLICE"}, "steps: POLICE has no ladder_step"),
        ("collection_treatment", {"treatment_order": "6"}, "treatment_order: 6 is that of suit"),
        ("collection_treatment", {"deadline_days": "-1"}, "deadline_days: -1"),
        ("collection_treatment", {"label_zh": ""}, "label_zh: empty"),
        ("collection_treatment_rule", {"treatment": "no_such"}, "treatment: 'no_such' is no treatment of collection_treatment.csv"),
        ("collection_treatment_rule", {"after_step": "FAX"}, "after_step: 'FAX' is no channel_code"),
        ("collection_treatment_rule", {"after_step": "POLICE"}, "after_step: POLICE has no ladder_step"),
        ("collection_treatment_rule", {"after_days": ""}, "after_days: ''"),
        ("collection_treatment_rule", {"days_from": "0"}, "days_from: 0"),
        ("collection_treatment_rule", {"broken_promises_from": "0"}, "broken_promises_from: 0"),
        ("collection_treatment_rule", {"amount_from": "5", "amount_below": "5"}, "amount_below: 5"),
    ],
)  # fmt: skip
def test_what_no_model_knows_is_refused_with_its_line(
    write: Write, seed: str, cells: dict[str, str], told: str
) -> None:
    line = len(SHIPPED.seeds[seed].rows) + 1
    refused(write(f"{seed}.csv", changed(seed, **cells)), f"{seed}.csv, line {line}, ", told, "Allowed: ")


@pytest.mark.parametrize(
    ("seed", "column", "first", "told"),
    [
        ("bucket_scheme", "bucket_order", ("bucket", "M1"), "bucket_order: 2 at lower_days 31, after 999 at lower_days 1"),
        ("advance_bucket", "bucket_order", ("bucket", "A1"), "after 999 at lower_days 0"),
        ("disclosure_period", "period_order", ("period", "AR_1"), "after 999 at upper_days"),
        ("watch_severity", "severity_order", ("severity", "high"), "after 999 at lower_points"),
    ],
)  # fmt: skip
def test_an_order_that_contradicts_what_it_orders(
    write: Write, seed: str, column: str, first: tuple[str, str], told: str
) -> None:
    rows = [dict(row) for row in SHIPPED.seeds[seed].rows]
    row = next(row for row in rows if row[first[0]] == first[1])
    row[column] = "999"
    refused(write(f"{seed}.csv", as_text(rows)), "line ", told, "Allowed: an order that goes ")


def test_nobody_is_without_a_treatment_and_no_treatment_without_a_rule(write: Write) -> None:
    rows = SHIPPED.seeds["collection_treatment_rule"].rows
    folder = write("collection_treatment_rule.csv", as_text(rows[1:]))
    refused(folder, "no row of collection_treatment_rule.csv begins reminder", "Allowed: at least one")
    for_some = {**rows[0], "segment": "personal"}
    folder = write("collection_treatment_rule.csv", as_text([for_some, *rows[1:]]))
    refused(folder, "line 1: nothing begins for everybody", "Allowed: at least one row of segment any")


def test_a_code_without_its_label(write: Write) -> None:
    rows = SHIPPED.seeds["label"].rows
    last = f"{rows[-1]['code_set']}, {rows[-1]['code']}"
    refused(
        write("label.csv", as_text(rows[:-1])),
        "label.csv, line 1: no row for " + last,
        "Allowed: a row for each code_set",
    )


FREE = ("evidence", "citation")


@pytest.mark.parametrize(
    "seed",
    sorted(
        set(SHIPPED.seeds)
        - {
            "policy",
            "time_zone",
            "calendar_day",
            "collection_agency",
            "reconciliation_explanation",
            "bi_access",
            "policy_approval",
        }
    ),
)
def test_every_column_of_every_seed_is_covered(write: Write, seed: str) -> None:
    """A cell without which a row would drop out or go without words is refused when empty, but where the seed says otherwise."""
    shipped = SHIPPED.seeds[seed]
    for column in shipped.column_types:
        if column not in (*FREE, *shipped.optional):
            line = len(shipped.rows) + 1
            refused(write(f"{seed}.csv", changed(seed, **{column: ""})), f"line {line}, {column}: ", "Allowed: ")


def test_an_explained_difference_has_an_end_and_somebody_who_approved_it(write: Write) -> None:
    row = {
        "gl_account": "1304",
        "currency": "CNY",
        "amount": "-20.00",
        "explanation": "posted on the next day",
        "approved_by": "A. Auditor",
    }
    row |= {"valid_from": "", "valid_to": "2026-10-31", "evidence": "V", "citation": "memo 7"}
    write("reconciliation_explanation.csv", as_text([row]))
    for cells, told in (
        ({"valid_to": ""}, "line 2, valid_to: empty"),
        ({"approved_by": ""}, "line 2, approved_by: empty"),
        ({"amount": "some"}, "line 2, amount: 'some' is not"),
        ({"currency": "AAA"}, "currency: 'AAA' is no code of currency.csv"),
    ):
        refused(write("reconciliation_explanation.csv", as_text([row | cells])), told)


def test_the_signals_allowed_are_those_that_models_find() -> None:
    model = (PROJECT / "models/intermediate/risk/int_risk__signals.sql").read_text("utf-8")
    assert set(re.findall(r"'(\w+)' as signal_id", model)) == set(SHIPPED.seeds["watch_signal"].allowed["signal_id"])


def test_the_steps_allowed_are_those_that_models_count() -> None:
    macro = (
        (PROJECT / "macros/conduct.sql").read_text("utf-8").split("macro collection_steps()")[1].split("endmacro")[0]
    )
    rows = SHIPPED.seeds["collection_channel"].rows
    assert set(re.findall(r"'([A-Z_]+)'", macro)) == {row["channel_code"] for row in rows if row["ladder_step"]}


def test_the_triggers_allowed_are_those_that_models_judge() -> None:
    models = "".join(path.read_text("utf-8") for path in (PROJECT / "models/intermediate/risk").glob("*.sql"))
    assert [trigger for trigger in TRIGGERS if f"'{trigger}'" not in models] == []


def test_a_scheme_by_days_claims_nothing_but_days() -> None:
    """One label, two figures: whether a loan accrues or performs is for the statements to say, which look at more than days."""
    judged = re.compile(r"accru|perform|standard|NPA|stage|计息|正常|不良|阶段|未列报|not reported", re.IGNORECASE)
    for row in SHIPPED.seeds["bucket_scheme"].rows:
        for label, words in (("label_zh", "仅按天数"), ("label_en", "by days")):
            if judged.search(row[label]):
                assert words in row[label], (row["scheme"], row["bucket"], label)
    in_schemes = {
        (row["label_zh"], row["label_en"]) for row in SHIPPED.seeds["bucket_scheme"].rows if row["scheme"] == "US_RC_N"
    }
    assert not in_schemes & {(row["label_zh"], row["label_en"]) for row in SHIPPED.seeds["statement_row"].rows}
