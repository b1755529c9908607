"""Collections: each expectation, and what breaks it and nothing else."""

DEFECTS = {
    ("evidence.breaches_recomputed", "No breach that was recomputed is absent"): """
        insert into evidence.breaches_recomputed values ('A-3', 'CN_GB_QUIET', '23:00')""",
    ("evidence.breaches_recomputed", "No breach of a rule recomputed is made up"): """
        delete from evidence.breaches_recomputed where attempt_id = 'A-2'""",
    ("evidence.breaches_recomputed", "A breach shows the figure recomputed"): """
        update evidence.breaches_recomputed set figure = '5' where attempt_id = 'A-2'""",
    ("evidence.promises", "No promise is absent"): "insert into evidence.promises values ('P-9', 1)",
    ("evidence.promises", "What was paid on a promise is what was recomputed"): """
        update evidence.promises set paid_amount = 40.01 where attempt_id = 'P-1'""",
    ("marts.contact_breaches", "No attempt is listed twice under one rule"): """
        insert into marts.contact_breaches from marts.contact_breaches where attempt_id = 'A-3';
        update marts.conduct_rules set not_evaluated = 2 where rule_id = 'CN_CBA_RECORD'""",
    ("marts.contact_breaches", "A breach has a figure, and what was not evaluated says what it lacks"): """
        update marts.contact_breaches set lacks = null where attempt_id = 'A-3'""",
    ("marts.contact_breaches", "No breach is dated after the as-of date"): """
        update marts.contact_breaches set attempted_on = '2026-11-01' where attempt_id = 'A-3'""",
    ("marts.conduct_rules", "Breaches counted by rule are the breaches listed"): """
        update marts.conduct_rules set breaches = 1 where rule_id = 'CN_GB_RETAIN5'""",
    ("marts.promises", "No promise is listed twice"): """
        insert into marts.promises from marts.promises where attempt_id = 'P-2'""",
    ("marts.promises", "A promise's status follows from its day and its money"): """
        update marts.promises set status = 'broken' where attempt_id = 'P-2'""",
    ("marts.contactability", "Customers with days past due are listed, each once, and nobody else"): """
        delete from marts.contactability where customer_id = 'CL-4'""",
    ("marts.contactability", "Attempts counted are the attempts of the ledger"): """
        update marts.contactability set attempts = 6, attempts_phone = 6 where customer_id = 'CL-2'""",
    ("marts.contactability", "Attempts by channel add up to the attempts"): """
        update marts.contactability set attempts_sms = 1 where customer_id = 'CL-4'""",
    ("marts.contactability", "Who is lost has a day and a rule, and nobody else has"): """
        update marts.contactability set lost_since = '2026-10-01' , lost_rule = 'LOST_INVALID' where customer_id = 'CL-4'""",
    (
        "marts.collection_worklist",
        "Customers with delinquent days or an overdue advance are on the worklist, each once, and nobody else",
    ): """
        delete from marts.collection_worklist where customer_id = 'CL-4'""",
    ("marts.collection_worklist", "Whoever is due has a step, and whoever is held has none and a reason"): """
        update marts.collection_worklist set reason = 'forgotten' where status = 'held'""",
    ("marts.collection_worklist", "Nobody but a lost customer has others contacted about him"): """
        update marts.collection_worklist set party = 'employer' where customer_id = 'CL-4'""",
    ("marts.collection_worklist", "The step is the next one of contactability"): """
        update marts.collection_worklist set step = 'SMS' where customer_id = 'CL-4'""",
} | {
    (f"marts.{mart}", title): f"update marts.{mart} set {change}"
    for mart in ("contactability", "collection_worklist", "contact_breaches", "conduct_rules", "promises")
    for title, change in (
        ("Every row is of a date that was asked for", "as_of = as_of - 1"),
        ("Every row names the policy it was computed under", "policy_version = 'policy-0'"),
    )
}
