"""Forms of verbs that tell a clause from a phrase: the one list of them."""

from __future__ import annotations

from typing import Final

AUXILIARIES: Final = frozenset(
    "is are was were am has have had will would can could may might must shall should do does did "
    "isn't aren't wasn't weren't hasn't haven't hadn't won't wouldn't can't cannot couldn't "
    "shouldn't don't doesn't didn't he's she's it's they're we're i'm that's there's he'll it'll "
    "they've we've i've he'd she'd they'd".split()
)
MODALS: Final = frozenset("will would can could may might must shall should".split())
REPORTING: Final = frozenset(
    "said says say told tells added believes believe claims claimed claim felt thinks think "
    "insists insisted argues argued reported reports announced confirmed suggests suggested "
    "reveals revealed explained warned warns hopes feared".split()
)
# Pasts and presents that are hardly ever participles or nouns.
FINITE: Final = frozenset(
    "took made went came became began got gave knew saw wrote spoke broke chose drove fell flew "
    "grew rose threw wore ate drank rang sang swam won met left lost led kept paid sent spent "
    "stood sold held told found fought caught taught thought brought bought shot struck hit wants "
    "gets makes takes goes comes gives keeps becomes seems appears remains includes faces".split()
)
# Other forms that neither an ending nor an auxiliary gives away, many of them nouns as well.
_OTHERS: Final = frozenset(
    "be been to take taken make go gone come get give given find finds leave leaves keep hold "
    "holds begin begins begun meets meet wins win loses lose leads lead sends send set sets put "
    "puts cut cuts hits beat beats sees see seen speaks speak spoken writes write written falls "
    "fall fallen rises rise risen grows grow grown knows know known feels feel brings bring buys "
    "buy built builds build catches catch chooses choose chosen drew draws draw drawn drives "
    "drive driven fights fight flies fly hurt hurts lay lies lie pays pay ran runs run shoots "
    "shoot shut shuts sells sell spends spend stands stand stole steals stolen strikes strike "
    "swept swore throws thrown understood wears worn broken sank sinks quit quits face calls call "
    "want plans plan hope warn urges urge denies deny dies die launches launch announces announce "
    "reveal shows show backs back seeks seek expects expect remain become opens open closes close "
    "ends end starts start joins join returns return signs sign scores score admits admit insist "
    "accuses accuse agrees agree approves approve asks ask attacks attack bans ban blames blame "
    "celebrates celebrate confirms confirm considers consider continues continue creates create "
    "criticises criticizes declares defends demands describes discovers discovered escapes fails "
    "fears fires gains gathers helps hosts joins kills lifts looks marks moves names needs offers "
    "orders passes pledges praises prepares promises proposes protests raises reaches receives "
    "refuses rejects releases resigns retires rules serves shares slams stays stops suffers "
    "supports survives suspends talks threatens tops tries turns uses vows votes waits walks "
    "works".split()
)
ANY: Final = AUXILIARIES | REPORTING | FINITE | _OTHERS


def is_verb(key: str) -> bool:
    """Whether a case-folded word looks like a form of a verb."""
    return key in ANY or (len(key) > 4 and key.endswith(("ed", "n't")))


def is_surely_verb(key: str) -> bool:
    """Whether a case-folded word is hardly ever anything but a verb or its participle."""
    return key in AUXILIARIES | REPORTING | FINITE or (
        len(key) > 4 and key.endswith(("ed", "ing", "n't"))
    )
