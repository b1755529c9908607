"""Planted defects of the gates, by (table, title of the expectation): what breaks it and nothing else."""

from defects import aging, collections, controls, headline, pictures, portfolio, quality, risk, statements, trends

PUBLICATION = {
    key: sql
    for domain in (headline, pictures, aging, trends, portfolio, risk, collections, statements, quality, controls)
    for key, sql in domain.DEFECTS.items()
}
