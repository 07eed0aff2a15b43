"""What a shortening breaks in its sentence's grammar, read off a dependency parse.

The labels that the judge learns from. A shortening is sound if every word that
was kept still hangs on one that was kept, up to a finite verb with its
subject, and if what was cut could be missing: modifiers, asides, adjuncts and
members of a coordination may go, subjects, objects and complements may not.
Relations are those of the ClearNLP scheme, tags those of the Penn Treebank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from models.shortening import Shortening
from models.verbs import REPORTING

_SUBJECTS: Final = frozenset("nsubj nsubjpass csubj csubjpass expl".split())
_NEEDED: Final = _SUBJECTS | frozenset(
    "dobj attr acomp xcomp ccomp pobj pcomp neg aux auxpass prt case dative quantmod".split()
)
_CLAUSES: Final = frozenset("ccomp parataxis conj advcl relcl ROOT".split())
_FINITE_TAGS: Final = frozenset("VBD VBP VBZ MD".split())
_VERBS: Final = frozenset({"VERB", "AUX"})
_RELATIVE_TAGS: Final = frozenset("WDT WP WRB".split())
_NEEDED_ADVERBS: Final = frozenset(
    "not never no hardly so as out up off down away back more less most".split()
)
_WITH_PREPOSITION: Final = frozenset(
    "relied rely based accused aimed belongs consists according depends refers referred linked due "
    "involved faced".split()
)
_DROPPED_IN_HEADLINES: Final = frozenset({"aux", "auxpass"})
_PRONOUNS: Final = frozenset("he she it they".split())
_TITLES: Final = frozenset("mr mrs ms dr sir".split())
_LONG_LIST: Final = 2


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a parse. `word` is its place in the sentence's words; None for the full stop.

    `head` is the index of the token that it hangs on, its own for the root.
    """

    text: str
    word: int | None
    head: int
    relation: str
    tag: str
    part: str

    @property
    def key(self) -> str:
        return self.text.casefold()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and at which word."""

    reason: str
    word: int


class Parser(Protocol):
    """Whatever parses sentences into tokens over their words."""

    def parse(self, sentences: Sequence[str]) -> list[list[Token]]: ...


def kept_words(one: Shortening) -> frozenset[int] | None:
    """The places of the words that were kept, or that what was written stands for.

    None if something was written that stands for no word of the sentence, or words moved.
    """
    if not one.in_order:
        return None
    kept = set(one.copied)
    position = 0
    while position < len(one.keys):
        end = position
        while end < len(one.keys) and one.places[end] is None:
            end += 1
        if end > position:
            before = [place for place in one.places[:position] if place is not None]
            after = [place for place in one.places[end:] if place is not None]
            gap = range(before[-1] + 1 if before else 0, after[0] if after else len(one.words))
            stood_for = _stood_for(one, one.keys[position:end], gap, opens=not before)
            if stood_for is None:
                return None
            kept |= stood_for
        position = end + 1
    return frozenset(kept)


def _stood_for(
    one: Shortening, written: Sequence[str], gap: range, *, opens: bool
) -> set[int] | None:
    names_pronoun = opens and bool(gap) and one.source[gap[0]] in _PRONOUNS
    if names_pronoun and not any(len(key) > 3 and key in one.source for key in written):
        return {gap[0]}
    if one.task != "headline":
        return None
    found: set[int] = set()
    for key in written:
        place = next((i for i in gap if i not in found and _same(key, one.source[i])), None)
        if place is None:
            return None
        found.add(place)
    return found


def _same(written: str, key: str) -> bool:
    """Whether `written` is a form of `key`: says for told, wins for won, to for will."""
    if written == key or (written in REPORTING and key in REPORTING):
        return True
    if written == "to":
        return key in {"will", "would"}
    return len(written) > 3 and written[:3] == key[:3]


def faults(tokens: Sequence[Token], kept: frozenset[int], *, headline: bool) -> list[Fault]:
    """What a shortening to the words `kept` breaks; a headline may drop articles and auxiliaries.

    Empty if it is sound.
    """
    return sorted(
        set(_Check(tokens, kept, headline).faults()), key=lambda one: (one.word, one.reason)
    )


class _Check:
    def __init__(self, tokens: Sequence[Token], kept: frozenset[int], headline: bool) -> None:
        self.tokens = tokens
        self.headline = headline
        self.kept = [token.word is None or token.word in kept for token in tokens]
        self.children: list[list[int]] = [[] for _ in tokens]
        for index, token in enumerate(tokens):
            if token.head != index:
                self.children[token.head].append(index)
        self.root = next(i for i, token in enumerate(tokens) if token.relation == "ROOT")
        self.promoted: list[int] = []

    def faults(self) -> Iterable[Fault]:
        words = [i for i, token in enumerate(self.tokens) if token.word is not None]
        for index in words:
            if self.kept[index] and index != self.root and not self._hangs(index):
                yield self._fault("orphan", index)
        yield from self._main_clause()
        for index in words:
            if not self.kept[index] and index != self.root:
                if self.kept[self.tokens[index].head]:
                    reason = self._loss(index)
                    if reason:
                        yield self._fault(reason, index)
            elif self.kept[index]:
                reason = self._remainder(index)
                if reason:
                    yield self._fault(reason, index)

    def _fault(self, reason: str, index: int) -> Fault:
        return Fault(reason, self.tokens[index].word or 0)

    def _of(self, index: int, *relations: str) -> list[int]:
        return [i for i in self.children[index] if self.tokens[i].relation in relations]

    def _subjects(self, index: int) -> list[int]:
        return self._of(index, *_SUBJECTS)

    def _heir(self, index: int, but: int) -> int | None:
        """The kept member of a coordination that takes the place of its head, which was cut."""
        for member in self._of(index, "conj"):
            if member == but or self._subjects(member):
                continue
            if self.kept[member]:
                return member
            found = self._heir(member, but)
            if found is not None:
                return found
        return None

    def _hangs(self, index: int) -> bool:
        """Whether a kept token hangs on a kept one; clauses that lost theirs are noted."""
        token = self.tokens[index]
        if self.kept[token.head] or token.relation in {"punct", "mark"}:
            return True
        if self._heir(token.head, index) is not None:
            return True
        if token.relation == "conj" and not self._subjects(index):
            top = token.head
            while self.tokens[top].relation == "conj" and not self.kept[self.tokens[top].head]:
                top = self.tokens[top].head
            if top == self.root:
                self.promoted.append(index)
                return True
            if self.kept[self.tokens[top].head]:
                return True
        if token.relation in _CLAUSES and token.part in _VERBS:
            self.promoted.append(index)
            return True
        return False

    def _main_clause(self) -> Iterable[Fault]:
        if self.kept[self.root]:
            if self.promoted:
                yield self._fault("two main clauses", self.promoted[0])
            return
        if len(self.promoted) != 1:
            yield self._fault("no main clause", self.root)
            return
        head = self.promoted[0]
        token = self.tokens[head]
        if not self._is_finite(head):
            yield self._fault("no finite verb", head)
        if not self._has_subject(head):
            yield self._fault("no subject", head)
        elif token.relation == "relcl":
            yield self._fault("relative clause", head)
        governor = self.tokens[token.head]
        if token.relation == "ccomp" and governor.part == "VERB" and governor.key not in REPORTING:
            yield self._fault("complement", head)
        for child in self.children[head]:
            mark = self.tokens[child]
            if not self.kept[child]:
                continue
            subordinates = mark.relation == "mark" and mark.key != "that"
            if subordinates or (mark.tag in _RELATIVE_TAGS and child < head):
                yield self._fault("subordinate", child)

    def _is_finite(self, index: int) -> bool:
        helpers = self._of(index, "aux", "auxpass")
        return any(self.tokens[i].tag in _FINITE_TAGS for i in (index, *helpers))

    def _has_subject(self, index: int) -> bool:
        while True:
            if any(self.kept[i] for i in self._subjects(index)):
                return True
            if self.tokens[index].relation != "conj":
                return False
            index = self.tokens[index].head

    def _loss(self, index: int) -> str | None:
        """Why a cut token is missed by its head, which was kept."""
        token, head = self.tokens[index], self.tokens[self.tokens[index].head]
        relation = token.relation
        if relation in _NEEDED:
            if self._heir(index, index) is not None:
                return None
            is_helper = relation in _DROPPED_IN_HEADLINES and token.tag != "MD"
            may_go = self.headline and is_helper and token.key not in {"to", "do", "does", "did"}
            return None if may_go else f"lost {relation}"
        if relation == "conj":
            return self._coordination_loss(index)
        if relation == "prep":
            return self._preposition_loss(index)
        if relation == "poss":
            kept_case = any(self.kept[i] for i in self._of(index, "case"))
            missed = not self.headline and head.part != "PROPN"
            return "lost poss" if missed or (kept_case and token.part != "PRON") else None
        if relation == "advmod":
            needed = token.key in _NEEDED_ADVERBS or head.part in {"ADV", "ADP", "SCONJ"}
            return "lost advmod" if needed else None
        if relation == "nummod":
            return "lost nummod" if head.part == "PROPN" or not self.headline else None
        missing = {
            "det": not self.headline,
            "npadvmod": head.relation in {"advmod", "prep", "mark"},
            "mark": token.key == "to"
            or (head.relation == "advcl" and token.head not in self.promoted),
            "cc": self._joins_what_is_kept(token.head),
            "compound": self._is_name_in_phrase(index),
            "nmod": self._is_name_in_phrase(index),
        }
        return f"lost {relation}" if missing.get(relation, False) else None

    def _preposition_loss(self, index: int) -> str | None:
        token, head = self.tokens[index], self.tokens[self.tokens[index].head]
        follows = token.head + 1 == index
        needed = (
            token.key == "of"
            or (follows and head.part == "ADJ")
            or (follows and head.key in _WITH_PREPOSITION)
        )
        return "lost prep" if needed else None

    def _is_name_in_phrase(self, index: int) -> bool:
        token, head = self.tokens[index], self.tokens[self.tokens[index].head]
        names = token.part == head.part == "PROPN" and head.relation == "pobj"
        return names and index + 1 == token.head and token.key not in _TITLES

    def _members(self, index: int) -> list[int]:
        while self.tokens[index].relation == "conj":
            index = self.tokens[index].head
        members = [index]
        while following := self._of(members[-1], "conj"):
            members.append(following[0])
        return members

    def _coordination_loss(self, index: int) -> str | None:
        head = self.tokens[index].head
        members = self._members(head)
        joints = [i for member in members for i in self._of(member, "cc")]
        if not joints and self.tokens[index].part in _VERBS:
            return "comma splice"
        left = [member for member in members if self.kept[member]]
        if (
            len(members) > _LONG_LIST
            and len(left) > 1
            and joints
            and not any(self.kept[i] for i in joints)
        ):
            return "list without its end"
        return "lost part of subject" if self.tokens[head].relation in _SUBJECTS else None

    def _joins_what_is_kept(self, head: int) -> bool:
        """Whether the conjunction between two kept members was cut."""
        members = self._of(head, "conj")
        left = [i for i in members if self.kept[i]]
        joint = any(self.kept[i] for i in self._of(head, "cc"))
        return bool(left) and not joint and len(left) == len(members)

    def _remainder(self, index: int) -> str | None:
        """Why a kept token that joins or introduces has nothing left to do so with."""
        token = self.tokens[index]
        if token.relation == "cc":
            members = self._of(token.head, "conj")
            joined = any(self.kept[i] for i in members) or not members
            return None if self.kept[token.head] and joined else "conjunction left over"
        if token.relation in {"prep", "agent"} and self.children[index]:
            held = any(self.kept[i] for i in self.children[index])
            return None if held else "preposition left over"
        return None
