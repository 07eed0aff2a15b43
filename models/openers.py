"""Words that open a phrase or a clause, and the marks between them: the one list of them."""

from __future__ import annotations

from typing import Final

PREPOSITIONS: Final = frozenset("of in for with by from at on into than".split())
PRONOUNS: Final = frozenset("he she it they".split())
WEEKDAYS: Final = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
# What opens a time: "last week", "Monday".
WHEN: Final = WEEKDAYS | frozenset("last next this earlier yesterday today tomorrow".split())
SINCE: Final = frozenset("after before since later ago".split())
TIMES: Final = frozenset("second minute moment hour day week month year".split())
RELATIVE_CLAUSES: Final = frozenset(
    "who which that whose where when while because although though if whether what how why".split()
)
CLAUSE_OPENERS: Final = RELATIVE_CLAUSES | frozenset("after before since until as than".split())
_LINKS: Final = frozenset(
    "and or but nor yet so because while whilst when whenever after before as which who whom whose "
    "where since until till although though unless if whether than onto over under during "
    "without within against about amid among between despite following including through "
    "throughout towards toward across around near beyond along via per due upon "
    "now again too also however according rather instead even just only once".split()
)
# A phrase may end before these. Not before "of" and "that": what they begin belongs to it.
MAY_FOLLOW: Final = (PREPOSITIONS - {"of"}) | WHEN | _LINKS
DASHES: Final = frozenset("- -- – —".split())
MARKS: Final = DASHES | frozenset(', ; : ( ) [ ] " ...'.split())
