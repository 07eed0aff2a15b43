"""An article on a pool: some sentences stand alone, one points, one opens a quotation, one asks."""

from __future__ import annotations

TEXT = (
    "The council of Milton voted on Tuesday to close the old swimming pool in June. "
    "It said repairs would cost 2.4 million pounds, more than the town spends on libraries. "
    "“We learned to swim there. "
    "Teachers have taken classes to the pool for 40 years. "
    "Will the town miss it? "
    "A petition against the closure has 5,000 names and grows by the hour."
)
