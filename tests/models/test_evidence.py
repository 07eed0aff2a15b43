from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Article
from models.documents import read
from models.evidence import MAX_EVIDENCE, EvidenceIndex, align

DOCUMENT = read(
    Article(
        "The council of Springfield voted on Monday to close the old bridge over the river. "
        "Engineers had found cracks in four of its pillars. The repair will cost $12 million. "
        "Mayor Ann Lee said the town could not pay for it alone. Drivers will have to use the road "
        "through Shelbyville. The bridge was built in 1931 and carries 9,000 cars a day. The state "
        "has promised a decision on money by June. Ann Lee was elected in 2019."
    )
)
INDEX = EvidenceIndex.of(DOCUMENT)


def test_each_sentence_comes_back_to_itself() -> None:
    for sentence in DOCUMENT.sentences:
        assert align(sentence.text, DOCUMENT, INDEX)[0] == sentence.index


def test_a_rewritten_sentence_finds_its_source() -> None:
    assert align("Cracks were found in four pillars.", DOCUMENT, INDEX)[0] == 1
    assert align("The town cannot pay alone, says the mayor, Ann Lee.", DOCUMENT, INDEX)[0] == 3
    assert align("The 1931 bridge is crossed by 9,000 cars daily.", DOCUMENT, INDEX)[0] == 5


def test_a_fused_sentence_has_each_of_its_sources() -> None:
    fused = "Springfield will close its bridge, whose repair will cost $12 million."
    assert set(align(fused, DOCUMENT, INDEX)) == {0, 2}


def test_further_sentences_must_add_something() -> None:
    assert align("Engineers had found cracks in four of its pillars.", DOCUMENT, INDEX) == (1,)


def test_nothing_shared_falls_back_to_the_first_sentence() -> None:
    assert align("Zebras graze.", DOCUMENT, INDEX) == (0,)
    assert align("", DOCUMENT, INDEX) == (0,)


def test_the_index_is_built_when_not_passed() -> None:
    sentence = "Cracks in the bridge worry Ann Lee."
    assert align(sentence, DOCUMENT) == align(sentence, DOCUMENT, INDEX)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(DOCUMENT.text.split())).map(" ".join))
def test_evidence_is_one_to_three_different_sentences(sentence: str) -> None:
    found = align(sentence, DOCUMENT, INDEX)
    assert 1 <= len(found) <= MAX_EVIDENCE
    assert len(set(found)) == len(found)
    assert all(0 <= index < len(DOCUMENT.sentences) for index in found)
