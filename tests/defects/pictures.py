"""Pictures: each expectation, and what breaks it and nothing else."""

from expectations.publication.pictures import GRAINS

DEFECTS = {
    (
        f"marts.{view}",
        f"One row for each {', '.join(grain).replace('_', ' ')}",
    ): f"insert into marts.{view} from marts.{view}"
    for view, (grain, _) in GRAINS.items()
    if view not in ("bi_aging_over_time", "bi_segments", "bi_classes")
} | {
    (
        "marts.bi_aging_over_time",
        "One row for each as of, bucket, currency",
    ): "insert into marts.bi_aging_over_time select * replace (0 as items, 0 as outstanding_principal) from marts.bi_aging_over_time",
    (
        "marts.bi_aging_over_time",
        "The stages add up to the trend, in the one currency that is shown",
    ): "delete from marts.bi_aging_over_time where bucket = 'M7+'",
    (
        "marts.bi_segments",
        "One row for each segment, currency",
    ): "insert into marts.bi_segments select * replace (0 as balance) from marts.bi_segments",
    (
        "marts.bi_segments",
        "The segments add up to the headline",
    ): "update marts.bi_segments set balance = balance - 0.01 where currency = 'USD'",
    (
        "marts.bi_classes",
        "One row for each risk class, currency",
    ): "insert into marts.bi_classes select * replace (0 as items, 0 as balance) from marts.bi_classes",
    (
        "marts.bi_classes",
        "The classes add up to what is classified",
    ): "delete from marts.bi_classes where risk_class = 3 and currency = 'USD'",
}
