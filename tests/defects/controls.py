"""What the controls ask beside the figures: each expectation, and what breaks it and nothing else."""

DEFECTS = {
    (
        "evidence.loads",
        "Every row and amount of a file is accounted for",
    ): "update evidence.loads set amount_read = amount_read + 0.01",
    (
        "evidence.loads",
        "Every row loaded is in the raw history",
    ): "update evidence.loads set rows_in_history = rows_in_history - 1",
    (
        "evidence.seed_versions",
        "Every parameter table is as shipped, or approved",
    ): "update evidence.seed_versions set approved_by = null",
    ("evidence.deadline", "The publication is in time"): "update evidence.deadline set validated_on = due_on + 1",
    ("evidence.sign_off", "It is on record who ran this"): "update evidence.sign_off set run_by = ''",
    (
        "evidence.sign_off",
        "Nothing is current before a second person has signed",
    ): "update evidence.sign_off set moves_current = true",
}
