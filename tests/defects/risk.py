"""Classification, watchlist and case files: each expectation, and what breaks it and nothing else."""

DEFECTS = {
    (
        "evidence.to_classify",
        "Every loan and advance of the book is classified",
    ): "insert into evidence.to_classify values ('advance', 'A-1', 'CNY', 10, 1)",
    (
        "evidence.to_classify",
        "Nothing is classified that the book does not have",
    ): "delete from evidence.to_classify where item_id = 'L-1'",
    (
        "evidence.to_classify",
        "The classified balances are those of the book",
    ): "update evidence.to_classify set balance = balance + 0.01 where item_id = 'L-1'",
    (
        "evidence.to_classify",
        "Nothing is classified better than its days and impairment allow",
    ): "update evidence.to_classify set least_class = 4 where item_id = 'L-4'",
    (
        "marts.risk_classification",
        "Every row is of a date that was asked for",
    ): "update marts.risk_classification set as_of = as_of - 1 where item_id = 'L-1'",
    (
        "marts.risk_classification",
        "Every row names the policy it was computed under",
    ): "update marts.risk_classification set policy_version = null where item_id = 'L-1'",
    (
        "marts.risk_classification",
        "No item is classified twice",
    ): """
        insert into marts.risk_classification select * from marts.risk_classification where item_id = 'L-1';
        update marts.bi_classes set items = items + 1, balance = balance + 1000 where risk_class = 1 and currency = 'CNY'""",
    (
        "marts.risk_classification",
        "Every class is one of five",
    ): "update marts.risk_classification set risk_class = null, migration = 'unchanged' where item_id = 'L-1'",
    (
        "marts.risk_classification",
        "A class worse than pass names the rule that decided",
    ): "update marts.risk_classification set deciding_rule = 'OTHER' where item_id = 'L-2'",
    (
        "marts.risk_classification",
        "A class is what the rules say, or what an approved adjustment in force says",
    ): "update evidence.adjustments set approved_by = 'wu'",
    (
        "marts.risk_classification",
        "The provision is the balance times the rate of the class",
    ): """
        update marts.risk_classification set provision_amount = provision_amount + 0.01 where item_id = 'L-2';
        update marts.headline set provision = provision + 0.01, provision_coverage = round((provision + 0.01)::double / npl_balance, 6)
        where currency = 'CNY' and as_of = '2026-10-31'""",
    ("marts.risk_classification", "A worse class provides at least as much as a better one"): """
        update marts.risk_classification set provision_rate = 0.01, provision_amount = 40 where item_id = 'L-4';
        update marts.headline set provision = provision - 960, provision_coverage = round((provision - 960)::double / npl_balance, 6)
        where currency = 'USD' and as_of = '2026-10-31'""",
    (
        "marts.risk_classification",
        "Migration agrees with the class of the last month-end",
    ): "update marts.risk_classification set migration = 'unchanged' where item_id = 'L-1'",
    (
        "marts.watchlist",
        "Every row is of a date that was asked for",
    ): "update marts.watchlist set as_of = as_of - 1 where customer_id = 'CL-2'",
    (
        "marts.watchlist",
        "Every row names the policy it was computed under",
    ): "update marts.watchlist set policy_version = null where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "Every row is of a date that was asked for",
    ): "update marts.case_files set as_of = as_of - 1 where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "Every row names the policy it was computed under",
    ): "update marts.case_files set policy_version = null where customer_id = 'CL-2'",
    (
        "marts.watchlist",
        "No customer is watched twice",
    ): "insert into marts.watchlist select * from marts.watchlist where customer_id = 'CL-2'",
    (
        "marts.watchlist",
        "Every watched customer has a signal, evidence and a measure",
    ): "update marts.watchlist set measures = '' where customer_id = 'CL-2'",
    (
        "marts.watchlist",
        "No measure stands outside its days past due",
    ): "update marts.watchlist set measures = 'earlier_collection, legal_action' where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "No measure stands outside its days past due",
    ): "update marts.case_files set measures = 'earlier_collection, new_collection_plan, legal_action' where customer_id = 'CL-2'",
    (
        "marts.watchlist",
        "More points are never less severe",
    ): "update marts.watchlist set points = 5 where customer_id = 'CL-4'",
    (
        "marts.case_files",
        "Every customer with something overdue has one case",
    ): "insert into marts.case_files select * from marts.case_files where customer_id = 'CL-2'",
    ("marts.case_files", "No case is about a customer without arrears"): """
        insert into marts.case_files select * replace ('C-NONE' as customer_id) from marts.case_files limit 1""",
    (
        "marts.case_files",
        "A case is as late and as bad as the customer's worst item",
    ): "update marts.case_files set risk_class = 4 where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "Every case has a cause with its evidence, and a measure",
    ): "update marts.case_files set evidence = '' where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "A case has every measure that the watchlist has",
    ): "update marts.case_files set measures = 'new_collection_plan' where customer_id = 'CL-2'",
    (
        "marts.case_files",
        "What was paid in six months is that of the ledger",
    ): "update evidence.paid_lately set paid = 30.01 where item_id = 'L-2'",
    (
        "marts.case_files",
        "A case tells the shortfall that the ledger of collateral leaves",
    ): "update marts.case_files set debts_en = replace(debts_en, 'shortfall', 'shortfall 1') where customer_id = 'CL-4'",
    ("marts.class_migration", "Each row of the class matrix sums to 1"): """
        update marts.class_migration set rate_by_count = 0.5 where currency = 'USD'""",
    ("marts.class_migration", "A class matrix opens with the headline"): """
        update marts.class_migration set opening_balance = opening_balance + 0.01 where currency = 'USD'""",
    ("marts.class_migration", "No more is kept than was there, and nothing of what has left"): """
        update marts.class_migration set to_order = 6, to_code = 'closed' where currency = 'USD';
        delete from marts.class_migration_rates where currency = 'USD'""",
    ("marts.class_migration_rates", "Each rate of migration is its numerator over its denominator"): """
        update marts.class_migration_rates set rate_by_balance = 0.000001 where currency = 'USD' and rate_id = 'MIG_PASS'""",
    ("marts.class_migration_rates", "A rate of migration adds up the class matrix"): """
        update marts.class_migration_rates set kept_items = kept_items + 1 where currency = 'USD' and rate_id = 'MIG_PASS'""",
    (
        "marts.class_migration",
        "Every row names the policy it was computed under",
    ): "update marts.class_migration set policy_version = 'policy-0'",
    (
        "marts.class_migration_rates",
        "Every row names the policy it was computed under",
    ): "update marts.class_migration_rates set policy_version = 'policy-0'",
    (
        "marts.forbearance",
        "A loan is restructured in loan_aging where forbearance has its restructuring",
    ): "delete from marts.forbearance where kind = 'restructured'",
    (
        "marts.forbearance",
        "Days before the plan or the extension in force are those of loan_aging",
    ): "update marts.forbearance set days_before = 39 where kind = 'new_plan'",
    (
        "marts.forbearance",
        "Waivers add up to those of the ledger",
    ): "update evidence.waived set waived = 12.01",
    (
        "marts.forbearance",
        "What followed a concession follows from its dates",
    ): "update marts.forbearance set redefault_on = event_on where kind = 'restructured'",
    (
        "marts.forbearance",
        "Every row is of a date that was asked for",
    ): "update marts.forbearance set as_of = as_of - 1",
    (
        "marts.forbearance",
        "Every row names the policy it was computed under",
    ): "update marts.forbearance set policy_version = 'policy-0'",
}
