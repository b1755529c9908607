"""Breaches of conduct against the independent recomputation, on a random log of contacts made to be nasty."""

from __future__ import annotations

from collections import Counter

import pytest
from support import rows_of

from reperformance import conduct
from reperformance.telephoning import AS_OF


@pytest.fixture(scope="module")
def judged(telephoned):
    ledgers, seeds = telephoned.ledgers, telephoned.policy.seeds
    theirs = conduct.breaches(
        ledgers["contact_attempts"],
        {row["customer_id"]: row["time_zone"] for row in ledgers["customers"]},
        {row["customer_id"]: row["segment"] for row in ledgers["customers"]},
        {
            row["contact_point_id"]: (row["kind"], {"true": True, "false": False, None: None}[row["consented"]])
            for row in ledgers["contact_points"]
        },
        {loan["loan_id"] for loan in ledgers["loans"] if loan["product_id"] == "CARD"},
        seeds["collection_rule"].rows,
        seeds["lost_contact_rule"].rows,
        seeds["collection_wording"].rows,
        seeds["collection_agency"].rows,
        AS_OF,
    )
    ours = {
        (row["attempt_id"], row["rule_id"]): (row["status"], row["figure"])
        for row in rows_of(
            telephoned.database, "select attempt_id, rule_id, status, figure from marts.contact_breaches"
        )
    }
    return ours, theirs, telephoned.policy


def test_every_breach_of_a_large_log_agrees(judged) -> None:
    ours, theirs, _ = judged
    wrong = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    assert [(key, ours.get(key), theirs.get(key)) for key in wrong[:20]] == []


def test_every_rule_about_attempts_was_broken_or_lacked_its_input(judged) -> None:
    ours, _, policy = judged
    seen = Counter((rule, status) for (_, rule), (status, _) in ours.items())
    of_no_attempt = {
        row["rule_id"]
        for row in policy.seeds["collection_rule"].rows
        if row["metric"] in ("retention_years", "reply_working_days")
    }
    lacking_always = {"CN_GB_VISIT2P", "CN_CARD_DUN2"}
    rules = {row["rule_id"] for row in policy.seeds["collection_rule"].rows} - of_no_attempt
    assert {rule for rule, _ in seen} == rules
    assert {rule for rule, status in seen if status == "breach"} == rules - lacking_always
