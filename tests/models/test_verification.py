from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Article
from models.documents import Document, read
from models.evidence import align
from models.verification import SourceFacts, fragments, verify

ARTICLE = (
    "Vladimir Putin spoke with Alexander Lukashenko on March 16 by phone. He did not regard Kiev "
    "as necessary, the Kremlin's Dmitry Peskov said on Tuesday. \"We will not give up the "
    'alliance," Mr Peskov said. About 1,234,567 people in 12 towns were told that prices rose 5.2 '
    "percent, or $3.4 billion, between 2010 and 2012. Jane Smith and John Brown of the United "
    "Nations were there at 5 p.m. The US won 2-1. Lukashenko denied killing anyone. Mrs Smith left "
    "for Café Müller with Bashar al-Assad in two weeks. Ten to fifteen soldiers, aged 18 to 24, "
    "walked 30 miles in the third week of June."
)
DOCUMENT = read(Article(ARTICLE))
FACTS = SourceFacts.of(DOCUMENT)


def unsupported(sentence: str, document: Document = DOCUMENT) -> tuple[str, ...]:
    facts = FACTS if document is DOCUMENT else None
    verdict = verify(sentence, document, align(sentence, document), facts)
    assert verdict.supported == (not verdict.unsupported)
    assert 0 <= verdict.support <= 1
    return verdict.unsupported


@pytest.mark.parametrize(
    "sentence",
    [
        "Putin spoke to Lukashenko on 16 March.",
        "Putin and Lukashenko spoke on the 16th of March.",
        "Mr Putin phoned President Lukashenko.",
        "V. Putin did not regard Kyiv as necessary.",
        'Peskov said: "We will not give up the alliance."',
        "Peskov said they will “not give up the alliance”.",
        "Nearly 1.2 million people were told.",
        "More than 1.2 million people were told.",
        "1,234,567 people in a dozen towns were told.",
        "Twelve towns were told.",
        "Prices rose 5.2% or 3.4bn dollars.",
        "Prices rose by 5.2 percent or $3.4bn from 2010 to 2012.",
        "Jane Smith was at the UN at 17:00.",
        "Mrs. Smith left Cafe Muller with Assad.",
        "America won 2-1.",
        "The U.S. won 2–1.",
        "Lukashenko has denied killing people.",
        "Assad's two-week trip began.",
        "10-15 soldiers walked thirty miles in June.",
        "Soldiers aged 18-24 walked.",
        "PUTIN SPOKE WITH LUKASHENKO ON MARCH 16.",
        "Police say nothing happened.",
        "Both were there.",
    ],
)
def test_supported(sentence: str) -> None:
    assert unsupported(sentence) == ()


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("Mr Putin phoned on March 17.", "March 17"),
        ("Putin phoned on 6 March.", "6 March"),
        ("On Wednesday they spoke.", "Wednesday"),
        ("They spoke in July.", "July"),
        ("Putin regarded Kiev as necessary.", "regarded"),
        ("Lukashenko admitted killing someone.", "killing"),
        ("Putin did not speak with Lukashenko.", "speak"),
        ('Peskov said: "We will give up the alliance."', "We will give up the alliance."),
        (
            'Lukashenko said: "We will not give up the alliance."',
            "We will not give up the alliance.",
        ),
        ('"Prices rose between 2010 and 2012," he said.', "Prices rose between 2010 and 2012,"),
        ("1.3 million people were told.", "1.3 million"),
        ("About 2 million people were told.", "2 million"),
        ("Thirteen towns were told.", "Thirteen"),
        ("Prices rose 5 per cent.", "5 per cent"),
        ("Prices rose 12 per cent.", "12 per cent"),
        ("It cost £3.4 billion.", "£3.4 billion"),
        ("It cost $3.4 million.", "$3.4 million"),
        ("It happened in 2011.", "2011"),
        ("They met at 6pm.", "6pm"),
        ("John Smith was there.", "John Smith"),
        ("Mr Smith left.", "Mr Smith"),
        ("The U.S. won 3-1.", "3-1"),
        ("Mrs Smith left in two months.", "two months"),
        ("They walked 30 kilometres.", "30 kilometres"),
        ("They walked in the fourth week.", "fourth week"),
        ("Obama said he was there.", "Obama"),
        ("They met Barack Obama.", "Barack Obama"),
        ("The president met NATO leaders.", "NATO"),
        ("They met in Paris's suburbs.", "Paris's"),
        ("They flew in an A380.", "A380"),
    ],
)
def test_unsupported(sentence: str, missing: str) -> None:
    assert missing in unsupported(sentence)


def test_every_sentence_of_an_article_is_supported_by_it() -> None:
    for sentence in DOCUMENT.sentences:
        verdict = verify(sentence.text, DOCUMENT, (sentence.index,), FACTS)
        assert verdict.unsupported == ()
        assert verdict.support > 0.4


def test_facts_are_found_when_not_passed() -> None:
    sentence = "Putin spoke on March 17."
    assert verify(sentence, DOCUMENT, (0,)) == verify(sentence, DOCUMENT, (0,), FACTS)


def test_the_title_is_part_of_the_article() -> None:
    document = read(Article(ARTICLE, title="Macron visits Berlin"))
    assert unsupported("Macron spoke.", document) == ()


@pytest.mark.parametrize(
    ("article", "good", "bad"),
    [
        (
            "Der Minister Karl Schmidt sagte am Montag in Berlin, dass 1,5 Millionen Menschen und "
            "20 Prozent der Firmen betroffen seien. Das Amt hat die Zahlen gestern Abend "
            "veröffentlicht, und niemand hat bisher etwas dazu gesagt.",
            "Schmidt zufolge sind 1.500.000 Menschen und 20 % der Firmen betroffen.",
            "Müller zufolge sind 2,5 Millionen Menschen betroffen, sagte Merkel.",
        ),
        (
            "Президент Владимир Путин заявил 5 марта в Москве, что на развитие выделят 3,5 млрд "
            "рублей. Об этом сообщила пресс-служба Кремля, а министр финансов подтвердил эти "
            "слова журналистам на встрече в понедельник утром в столице.",
            "Владимир Путин заявил, что выделят 3,5 млрд рублей.",
            "Владимир Путин заявил, что выделят 4,5 млрд рублей.",
        ),
    ],
)
def test_other_languages(article: str, good: str, bad: str) -> None:
    document = read(Article(article))
    assert unsupported(good, document) == ()
    assert unsupported(bad, document) != ()


def test_scripts_without_case_are_judged_by_numbers() -> None:
    document = read(Article("中国国家主席周一会见了来访的外国领导人。双方签署了12项协议。" * 4))
    assert unsupported("双方签署了12项协议。", document) == ()
    assert unsupported("双方签署了15项协议。", document) == ("15",)


def test_fragments_count_copied_pieces() -> None:
    assert fragments("a b c".split(), " x a b c y ") == 1
    assert fragments("a b y".split(), " x a b c y ") == 2
    assert fragments("q a z".split(), " x a b c y ") == 3
    assert fragments([], " x ") == 0


def test_support_grades_copying() -> None:
    copied = verify("Lukashenko denied killing anyone.", DOCUMENT, (6,), FACTS).support
    mixed = verify("Lukashenko had denied ever killing a man.", DOCUMENT, (6,), FACTS).support
    foreign = verify("Bananas grow where rain falls.", DOCUMENT, (0,), FACTS).support
    assert copied > mixed > foreign


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200)
    | st.text(alphabet="Mr PutinSmith\"'“”‘’0123456789.-,$%not ", max_size=120)
)
def test_any_sentence_gets_a_verdict_of_its_own_words(sentence: str) -> None:
    verdict = verify(sentence, DOCUMENT, align(sentence, DOCUMENT), FACTS)
    assert all(words in sentence for words in verdict.unsupported)
    assert 0 <= verdict.support <= 1
