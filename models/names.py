"""Names in a summary sentence, and whether an article holds them.

A name is told by its capitals, so scripts without case are not judged. What is
looked up is each capitalised word, in any case and inflection; a name of several
words also has to be put together as the article puts it together.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Final

from models.words import FUNCTION_WORDS, MONTHS, WEEKDAYS, WORD, fold, stem

# Where a sentence, a quotation or a label begins, a capital says nothing.
_BEGINS: Final = re.compile(r"""(?:^|[.!?:…]["'”’)\]]*\s+|^["'“‘«(]+|["“«‘(]|\s'|[-–—]\s)$""")
_ROLES: Final = frozenset(
    "mr mrs ms miss mx sir dame lord lady dr prof professor president vice prime minister "
    "chancellor king queen prince princess pope senator sen rep representative "
    "congressman congresswoman gov governor mayor judge justice chief chairman chairwoman "
    "chair director secretary general gen colonel col captain capt major maj lieutenant "
    "lt sergeant sgt admiral officer detective inspector constable superintendent "
    "commissioner ambassador sheriff coach manager striker defender midfielder goalkeeper "
    "actor actress singer author former ex rev reverend bishop archbishop imam rabbi "
    "sheikh ayatollah st saint jr sr".split()
)
_COURTESY: Final = {"mr": "m", "sir": "m", "lord": "m", "mrs": "f", "ms": "f", "miss": "f",
                    "dame": "f", "lady": "f"}  # fmt: skip
# Nations and what is theirs, where the words differ by more than an ending.
_KIN: Final = (
    "britain british briton britons uk england english", "us usa america american americans",
    "france french", "spain spanish", "germany german germans", "netherlands dutch holland",
    "switzerland swiss", "greece greek greeks", "poland polish poles", "denmark danish danes",
    "sweden swedish swedes", "finland finnish", "turkey turkish turks turkiye", "iraq iraqi",
    "wales welsh", "scotland scottish scots", "ireland irish", "norway norwegian", "china chinese",
    "kiev kyiv", "peking beijing", "burma myanmar", "czechia czech", "eu european europe",
    "un united", "philippines filipino", "thailand thai", "ukraine ukrainian", "peru peruvian",
    "afghanistan afghan afghans", "pakistan pakistani", "israel israeli", "yemen yemeni",
    "republican republicans gop", "democrat democrats democratic", "islam islamic islamist muslim "
    "muslims", "christian christians christianity", "catholic catholics", "jew jews jewish",
    "ussr soviet soviets", "isis isil islamic", "nhs health", "fbi federal", "cop cops police",
)  # fmt: skip
_KIN_OF: Final = {word: frozenset(group.split()) for group in _KIN for word in group.split()}
# What a nation, its people and its adjective differ by: Russia, Russian, Russians.
_ENDINGS: Final = ("", "n", "an", "ian", "ia", "a", "i", "y", "e", "ese", "ish", "er", "s", "ns",
                   "ans", "ians", "is", "ers")  # fmt: skip
# Words that open sentences and are no names, though the article may not use them.
_OPENERS: Final = frozenset(
    "police officials authorities officers residents experts critics doctors scientists "
    "researchers lawyers prosecutors investigators fans women men children people "
    "students parents workers protesters witnesses voters leaders lawmakers soldiers "
    "troops rescuers firefighters campaigners neighbours neighbors relatives family "
    "friends supporters opponents analysts economists teachers patients drivers "
    "passengers players victims suspects many several some few others nobody everyone "
    "someone anyone nothing everything something new last next first second third today "
    "yesterday tomorrow earlier later recently once twice despite according meanwhile "
    "nearly almost around about more less fewer over under up two three four five six "
    "seven eight nine ten news study report video footage pictures photos data figures "
    "results government party company firm court judge jury council parliament congress "
    "president prime minister mother father couple teenager woman man boy girl baby "
    "driver suspect victim teacher doctor officer soldier actor actress singer player "
    "striker manager coach chief former ex british american".split()
)  # fmt: skip
_SAYS: Final = frozenset("said says told was is has had will won wants plans died".split())


_HYPHENS: Final = "-\u2010\u2011"
_HYPHEN: Final = re.compile(f"([{_HYPHENS}])")
_PARTICLES: Final = frozenset("of de la le van von der den bin al el del da di du dos".split())


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    folded: str
    start: int
    end: int
    begins: bool


@dataclass(frozen=True, slots=True)
class NameIndex:
    """What names can be looked up in: an article's words, neighbours and acronyms.

    `words` and `stems` are folded; `after` holds for each capitalised word the capitalised words
    that follow it directly; `acronyms` the initials of capitalised runs; `courtesy` the genders
    ("m", "f") that a title gives a surname.
    """

    words: frozenset[str]
    stems: frozenset[str]
    near: frozenset[tuple[str, str]]
    after: dict[str, frozenset[str]]
    before: dict[str, frozenset[str]]
    acronyms: frozenset[str]
    courtesy: dict[str, frozenset[str]]

    @classmethod
    def of(cls, text: str, known: frozenset[str]) -> NameIndex:
        """Index the names of `text`; `known` are its folded words."""
        words = _words(text)
        folded = known | {word.folded for word in words}
        near: set[tuple[str, str]] = set()
        after: dict[str, set[str]] = {}
        before: dict[str, set[str]] = {}
        courtesy: dict[str, set[str]] = {}
        acronyms: set[str] = set()
        for run in _runs(text, words):
            names = [word.folded for word in run]
            for index, name in enumerate(names):
                near.update((name, other) for other in names[index + 1 : index + 4])
                if index and name not in _ROLES and names[index - 1] not in _ROLES:
                    after.setdefault(names[index - 1], set()).add(name)
                    before.setdefault(name, set()).add(names[index - 1])
                if name in _COURTESY:
                    # "Mr John Brown" is Mr Brown as well.
                    for other in {*names[index + 1 : index + 2], *names[index + 1 :][-1:]}:
                        courtesy.setdefault(other, set()).add(_COURTESY[name])
            acronyms.update(_initials(names))
        return cls(
            words=folded,
            stems=frozenset(map(stem, folded)),
            near=frozenset(near),
            after={name: frozenset(others) for name, others in after.items()},
            before={name: frozenset(others) for name, others in before.items()},
            acronyms=frozenset(acronyms),
            courtesy={name: frozenset(genders) for name, genders in courtesy.items()},
        )


def unsupported_names(sentence: str, index: NameIndex) -> list[str]:
    """Names of `sentence`, as written, that the article behind `index` does not hold."""
    words = _words(sentence)
    title_case = _is_title_case(sentence)
    missing: list[str] = []
    for run in _runs(sentence, words):
        names = [word for word in run if word.folded not in FUNCTION_WORDS]
        absent = [word for word in names if not _is_known(word.folded, index)]
        if absent and _abbreviates(names, index):
            continue
        absent = [
            word for word in absent if _is_name(word, run, sentence, index, title_case=title_case)
        ]
        if absent:
            missing.append(sentence[absent[0].start : absent[-1].end])
        elif not title_case:
            missing.extend(_mixed(sentence, names, index))
    return missing


def _words(text: str) -> list[_Word]:
    """Capitalised words and the particles of names, in order, compounds in their parts.

    `begins` is true where a capital says nothing.
    """
    words: list[_Word] = []
    for match in WORD.finditer(text):
        written, position = match.group(), match.start()
        if written.islower() and written not in _PARTICLES:
            continue
        begins = _begins(text, position)
        for part in _HYPHEN.split(written):
            if part not in _HYPHENS:
                words.append(_Word(part, fold(part), position, position + len(part), begins))
                begins = False
            position += len(part)
    return words


def _begins(text: str, position: int) -> bool:
    """Whether a capital at `position` says nothing."""
    if position > 1 and text[position - 1] == " " and text[position - 2].isalnum():
        return False  # most words stand like this: the pattern need not be tried
    return position == 0 or bool(_BEGINS.search(text, max(0, position - 6), position))


def _runs(text: str, words: list[_Word]) -> list[list[_Word]]:
    """Stretches of capitalised words with nothing but spaces, hyphens, "of" and kin between."""
    runs: list[list[_Word]] = []
    run: list[_Word] = []
    for word in words:
        capital = word.text[0].isupper()
        joined = run and text[run[-1].end : word.start].strip(" .-\u2010\u2011&") == ""
        ended = run and (
            re.search(r"['’]s?$", run[-1].text)
            or ("." in text[run[-1].end : word.start] and len(run[-1].folded) > 4)
        )
        if run and (not joined or ended or not (capital or word.folded in _PARTICLES)):
            runs.append(run)
            run = []
        if capital or (run and word.folded in _PARTICLES):
            run.append(word)
    if run:
        runs.append(run)
    for run in runs:
        while run and not run[-1].text[0].isupper():
            run.pop()
    return runs


def _is_title_case(sentence: str) -> bool:
    """Whether capitals mean nothing: a headline in Title Case or in capitals."""
    long_words = [word for word in WORD.findall(sentence) if len(word) > 3 and word.isalpha()]
    capital = sum(word[0].isupper() for word in long_words)
    return len(long_words) >= 4 and capital > 0.75 * len(long_words)


def _is_known(name: str, index: NameIndex) -> bool:
    if name in WEEKDAYS or name in MONTHS:
        # Dates are looked up as dates.
        return True
    if name in index.words or name in index.acronyms or stem(name) in index.stems:
        return True
    if any(character.isdigit() for character in name):
        # Numbers are looked up by value elsewhere; "A380" and "G7" are names.
        return name.isdigit() or not name[0].isalpha() or name.startswith("no.")
    if any(other in index.words for other in _KIN_OF.get(name, ())):
        return True
    roots = {name} | {
        name[: -len(ending)]
        for ending in _ENDINGS
        if ending and name.endswith(ending) and len(name) - len(ending) >= 4
    }
    return len(name) > 3 and any(
        root + ending in index.words for root in roots for ending in _ENDINGS
    )


def _is_name(
    word: _Word, run: list[_Word], sentence: str, index: NameIndex, *, title_case: bool
) -> bool:
    """Whether a capitalised word that the article lacks can be trusted to be a name."""
    if any(character.isdigit() for character in word.text[1:]):
        return word.text[0].isupper()
    if word.folded in _ROLES or word.folded in FUNCTION_WORDS:
        return False
    letters = [character for character in word.text if character.isalpha()]
    if title_case or len(letters) < 2:
        return False
    if not word.begins:
        return True
    if word.folded in _OPENERS:
        return False
    if len(letters) > 1 and all(map(str.isupper, letters)):
        return True
    if len(run) > 1 and run[1].start - word.end <= 2:
        # "Jane Smith" for John Smith; but in "Meet Rohana" the name begins with Rohana.
        return not _is_known(run[1].folded, index) or run[1].folded in index.before
    possessive = re.match(r"['’]s\b", sentence[word.end :]) or re.search(r"['’]s$", word.text)
    following = re.match(r"\s+(\w+)", sentence[word.end :])
    says = bool(following) and following.group(1) in _SAYS if following else False
    plural_or_formed = re.search(r"(?:s|ing|ed|ly|tion|ment|ity|ness)$", word.folded)
    return bool(possessive or says) and not plural_or_formed


def _abbreviates(names: list[_Word], index: NameIndex) -> bool:
    """Whether the name's initials stand in the article: "United Nations" for "UN"."""
    initials = "".join(word.folded[0] for word in names if word.folded)
    return len(initials) > 1 and initials in index.words


def _initials(names: list[str]) -> set[str]:
    """Initials of each stretch of two to six words, with and without "of" and its kin."""
    found: set[str] = set()
    for words in (names, [name for name in names if name not in _PARTICLES]):
        letters = "".join(name[0] for name in words if name)
        found.update(
            letters[start:end]
            for start in range(len(letters))
            for end in range(start + 2, min(start + 6, len(letters)) + 1)
        )
    return found


def _mixed(sentence: str, names: list[_Word], index: NameIndex) -> list[str]:
    """Two halves of different names joined, and a title of the wrong gender.

    "John Smith" is unsupported where the article knows John Brown and Jane Smith only.
    """
    found: list[str] = []
    for first, second in itertools.pairwise(names):
        gender = _COURTESY.get(first.folded)
        known = index.courtesy.get(second.folded)
        if gender and known and gender not in known:
            found.append(sentence[first.start : second.end])
        if first.folded in _ROLES or second.folded in _ROLES:
            continue
        pair = (first.folded, second.folded)
        if pair in index.near or pair[::-1] in index.near or len(first.folded) == 1:
            continue
        if index.after.get(first.folded) and index.before.get(second.folded):
            found.append(sentence[first.start : second.end])
    return found
