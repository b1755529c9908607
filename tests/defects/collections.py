"""Collections: each expectation, and what breaks it and nothing else."""

DEFECTS = (
    {
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
        ("marts.conduct_rules", "A rule that nothing could be held against does not look kept"): """
        update marts.conduct_rules set status = 'kept' where rule_id = 'CN_GB_RETAIN5'""",
        ("marts.conduct_rules", "Breaches counted by rule are the breaches listed"): """
        update marts.conduct_rules set breaches = 2 where rule_id = 'CN_GB_CALL3'""",
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
        ("marts.collection_worklist", "Nobody but a lost customer has others contacted"): """
        update marts.collection_worklist set party = 'employer' where customer_id = 'CL-4'""",
        (
            "marts.collection_worklist",
            "The hours preferred for a call lie within those allowed, and other steps have none",
        ): """
        update marts.collection_worklist set preferred_to = '19:01' where customer_id = 'CL-4'""",
        ("marts.collection_worklist", "The step is the next one of contactability"): """
        update marts.collection_worklist set step = 'SMS' where customer_id = 'CL-4'""",
        ("marts.collection_worklist", "Every customer has a treatment, and no step but those of the treatment"): """
        update evidence.treatment set steps = ' SMS AGENCY EMERGENCY_CONTACT ' where treatment = 'call'""",
        ("marts.collection_worklist", "Nobody's treatment lags behind the days past due"): """
        update marts.collection_worklist set days_past_due = 400, treatment_from = as_of - 388 where customer_id = 'CL-4'""",
        ("marts.collection_worklist", "A treatment begins by a rule of its own whose days have come"): """
        update marts.collection_worklist set treatment_rule = 'LETTER' where customer_id = 'CL-4'""",
        ("marts.collection_worklist", "What follows a treatment is a later one, on a later day"): """
        update marts.collection_worklist set next_treatment = 'reminder' where customer_id = 'CL-4'""",
        (
            "marts.collection_worklist",
            "An agency is on record, where a treatment would ask one",
        ): "delete from evidence.agency",
        ("marts.contact_timing", "Loans with days past due have one episode that goes on, and no other loan has"): """
        delete from marts.contact_timing where loan_id = 'L-6'""",
        ("marts.contact_timing", "Episodes of a loan follow each other"): """
        update marts.contact_timing set days_overdue = days_overdue + 1 where loan_id = 'L-6'""",
        ("marts.contact_timing", "Attempts of an episode are those of the ledger"): """
        update marts.contact_timing set attempts = 6 where loan_id = 'L-2'""",
        ("marts.contact_timing", "First attempts and first contacts lie within their episode"): """
        update marts.contact_timing set days_to_first_attempt = 7 where loan_id = 'L-2'""",
        ("marts.contact_moves", "A loan is in the stage that its last move led to"): """
        update marts.contact_moves set to_stage = 'M3' where loan_id = 'L-3' and to_stage = 'M2'""",
        ("marts.contact_moves", "Each move begins in the stage that the one before it led to"): """
        update marts.contact_moves set from_stage = 'M2' where loan_id = 'L-1' and from_stage = 'M1'""",
        ("marts.contact_moves", "Moves into arrears and out of them are the days on which episodes begin and end"): """
        update marts.contact_moves set moved_on = '2026-05-11' where loan_id = 'L-1' and to_stage = 'M0'""",
        (
            "marts.contact_moves",
            "A move out of arrears is a cure where the episode was cured, and no move by a new plan is for the worse",
        ): "update marts.contact_moves set is_reaged = true where loan_id = 'L-1' and to_stage = 'M0'",
        ("marts.contact_moves", "Attempts around a move are those of the ledger"): """
        update marts.contact_moves set attempts_30d_after = 4 where loan_id = 'L-2'""",
        ("marts.contact_effect", "Episodes cured or paid are among those followed, and those among all"): """
        update marts.contact_effect set customers = 4 where result = 'not_reached'""",
        ("marts.contact_effect", "Rates of cure and payment are their shares"): """
        update marts.contact_effect set cure_rate = 0.333334 where result = 'not_reached'""",
        ("marts.contact_effect", "Episodes in which the ledger has a debtor reached are counted"): """
        update marts.contact_effect set result = 'left_message' where result = 'reached' and horizon_days = 30""",
    }
    | {
        (f"marts.{mart}", title): f"update marts.{mart} set {change}"
        for mart in (
            "contactability",
            "collection_worklist",
            "contact_breaches",
            "conduct_rules",
            "promises",
            "contact_timing",
            "contact_moves",
            "contact_effect",
        )
        for title, change in (
            ("Every row is of a date that was asked for", "as_of = as_of - 1"),
            ("Every row names the policy it was computed under", "policy_version = 'policy-0'"),
        )
    }
    | {
        # an episode that goes on would be a day too long as well
        ("marts.contact_timing", "Every row is of a date that was asked for"): """
        update marts.contact_timing set as_of = as_of - 1 where ended_on is not null""",
    }
)
