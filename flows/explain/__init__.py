"""`arrears explain`: how each figure of a loan, an advance or a customer came about, down to the rows of the ledgers.

It reads what a publication left for readers and the raw history as landed, never the working database: so it takes no lock, and
answers while a night runs. The figures are worked out again from the rows that are shown (`flows/evidence/recompute.py`, which shares
nothing with the SQL of the marts), and compared with what was published; where they differ it says so before all else.
"""

from __future__ import annotations

from flows.explain.asked import explain

__all__ = ["explain"]
