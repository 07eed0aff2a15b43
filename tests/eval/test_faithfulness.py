from eval.faithfulness import Checker
from models import documents
from models.contract import Article, Span
from tests.eval import corpus

EXAMPLE = corpus.example(0)
DOCUMENT = documents.read(Article(EXAMPLE.text))
CHECKER = Checker(DOCUMENT)


def test_copied_sentences_are_supported_and_come_from_themselves() -> None:
    sentences = [DOCUMENT.sentences[1].text, DOCUMENT.sentences[4].text]
    found = CHECKER.check(sentences, [])
    assert found.metrics["supported"] == found.metrics["faithful"] == 1.0
    assert found.metrics["unsupported_items"] == 0.0
    assert found.metrics["numbers_supported"] == 1.0
    assert found.origins == (1, 4)
    assert found.unsupported == ((), ())


def test_an_invented_number_and_name_are_found() -> None:
    sentences = ["The work will cost 9.9 million pounds.", "The mayor, Ann Hale, called it good."]
    found = CHECKER.check(sentences, [])
    assert found.metrics["supported"] == 0.5
    assert found.metrics["faithful"] == 0.0
    assert found.metrics["numbers_supported"] == 0.0
    assert "9.9" in found.unsupported[0][0]
    invented = CHECKER.check(["Officials in Geneva said that Bob Stone will pay."], [])
    assert invented.metrics["unsupported_names"] >= 1.0
    assert invented.metrics["supported"] == 0.0


def test_the_systems_own_evidence_says_where_a_sentence_stands() -> None:
    span = DOCUMENT.sentences[3].span
    inside = Span(span.start + 4, span.end - 4)
    assert CHECKER.origin("Anything at all.", [inside]) == (3,)
    assert CHECKER.check(["The work will cost 4.2 million pounds."], [[inside]]).origins == (3,)
    outside = Span(len(EXAMPLE.text) + 10, len(EXAMPLE.text) + 20)
    assert CHECKER.origin("The work will cost 4.2 million pounds.", [outside])[0] == 1
