"""Words as they are compared: tokens, folding, light stemming and what carries content."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# A word with its inner apostrophes, full stops and hyphens: "O'Neill", "U.S", "al-Assad", "3.5".
WORD: Final = re.compile(r"[^\W_]+(?:(?:[.'’\u2010\u2011&-]|(?<=\d),)[^\W_]+)*")
# Scripts without spaces are compared character by character.
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff]"
)
_UNSPACED_OR_RUN: Final = re.compile(f"{_UNSPACED.pattern}|(?:(?!{_UNSPACED.pattern}).)+")
_POSSESSIVE: Final = re.compile(r"['’`]s?$")
_MARKS: Final = re.compile(r"[\u0300-\u036f]+")

FUNCTION_WORDS: Final = frozenset(
    "a an the and or but nor so yet if then than as at by for from in into of off on onto out over "
    "to up with within without about above after against along among around before behind below "
    "between beyond down during near since through throughout under until upon via while when "
    "where which who whom whose what why how that this these those there here it its itself he "
    "him his himself she her hers herself they them their theirs themselves we us our ours you "
    "your yours i me my mine myself is am are was were be been being do does did doing done have "
    "has had having will would shall should can could may might must not no also just only very "
    "more most some any all both each other another such own same too s t d ll re ve m n't nt "
    "said say says told according however still now even because though although whether "
    # The commonest words of the other languages that newsrooms write in.
    "der die das den dem des ein eine einen einem einer und oder aber ist sind war im am "
    "zu zum zur von mit auf für bei nach aus dass sich nicht er sie es wir le la les un "
    "une des du de et ou en dans sur pour par avec ce cette qui que est sont a été il "
    "elle au aux pas el los las una unos y o en del al por para con su sus se lo es son "
    "fue no más como il lo gli uno della di che è sono per nel alla os as um uma e do da "
    "dos das em não foi het een van op te dat aan и в во не на я быть он с что а по это "
    "она к но мы как из у то за от о же бы для".split()
)

WEEKDAYS: Final = {
    name: names.split()[0]
    for names in (
        "monday mon", "tuesday tue tues", "wednesday wed", "thursday thu thur thurs",
        "friday fri", "saturday sat", "sunday sun",
    )
    for name in names.split()
}  # fmt: skip
MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """`word` without case, accents, possessive, and the dots of an acronym: "U.S." as "us"."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", word)).casefold()
    plain = _POSSESSIVE.sub("", plain)
    if any(character.isdigit() for character in plain):
        return plain
    return re.sub(r"[.'’\u2010\u2011]", "", plain)


@lru_cache(maxsize=65536)
def stem(folded: str) -> str:
    """A light stem: English inflections, and the last letters of long words in other scripts."""
    length = len(folded)
    if folded in _IRREGULAR:
        return _IRREGULAR[folded]
    if length <= 3 or not folded.isalpha():
        return folded
    if folded > "\u0370":
        return folded[: max(4, length - 3)] if length > 5 and folded < "\u0590" else folded
    for ending, replacement in _ENDINGS:
        if folded.endswith(ending) and length - len(ending) >= 3:
            base = folded[: length - len(ending)] + replacement
            if ending in {"ing", "ed"} and len(base) > 3 and base[-1] == base[-2] not in "lsz":
                base = base[:-1]
            return base[:-1] if base.endswith("e") and len(base) > 4 else base
    return folded[:-1] if folded.endswith("e") and length > 4 else folded


_IRREGULAR: Final = {
    past: stem
    for stem, pasts in {
        "speak": "spoke spoken", "say": "said says", "tell": "told", "win": "won", "lose": "lost",
        "take": "took taken", "give": "gave given", "go": "went gone goes", "come": "came",
        "see": "saw seen", "know": "knew known", "get": "got gotten", "mak": "made",
        "find": "found", "think": "thought", "leav": "left", "feel": "felt", "begin": "began begun",
        "keep": "kept", "hold": "held", "bring": "brought", "buy": "bought", "sell": "sold",
        "build": "built", "send": "sent", "spend": "spent", "meet": "met", "pay": "paid",
        "write": "wrote written", "run": "ran", "fall": "fell fallen", "rise": "rose risen",
        "driv": "drove driven", "break": "broke broken", "choos": "chose chosen",
        "fly": "flew flown", "grow": "grew grown", "draw": "drew drawn", "throw": "threw thrown",
        "show": "shown", "eat": "ate eaten", "beat": "beaten", "steal": "stole stolen",
        "shoot": "shot", "fight": "fought", "catch": "caught", "teach": "taught", "seek": "sought",
        "lead": "led", "become": "became", "understand": "understood", "stand": "stood",
        "hear": "heard", "mean": "meant", "deal": "dealt", "sleep": "slept", "sit": "sat",
        "strik": "struck stricken", "swim": "swam", "sing": "sang sung", "drink": "drank drunk",
        "news": "news",
        "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet",
        "die": "died dies dying", "wife": "wives", "life": "lives", "forget": "forgot forgotten",
        "hide": "hid hidden", "rid": "rode ridden", "wear": "wore worn", "withdraw": "withdrew",
    }.items()
    for past in pasts.split()
}  # fmt: skip
_ENDINGS: Final = (
    ("ational", "ate"), ("ations", "at"), ("ation", "at"), ("ments", ""), ("ment", ""),
    ("sses", "ss"), ("ies", "y"), ("ied", "y"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""),
    ("ss", "ss"), ("us", "us"), ("is", "is"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"),
    ("s", ""),
)  # fmt: skip


def tokens(text: str) -> list[str]:
    """Folded words of `text` in order; hyphenated compounds as their parts."""
    words: list[str] = []
    for word in WORD.findall(text):
        if not word.isascii() and _UNSPACED.search(word):
            words.extend(_UNSPACED_OR_RUN.findall(word))
        elif "-" in word or "\u2010" in word or "\u2011" in word:
            words.extend(filter(None, map(fold, re.split("[-\u2010\u2011]", word))))
        elif folded := fold(word):
            words.append(folded)
    return words


def content(words: list[str]) -> list[str]:
    """Stems of the words that carry content, in order."""
    return [stem(word) for word in words if word not in FUNCTION_WORDS]
