import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from eval.rouge import VARIANTS, Rouge, score_sequence, score_summary
from models.errors import EvaluationError

STEMMING = RougeScorer(list(VARIANTS), use_stemmer=True)
PLAIN = RougeScorer(list(VARIANTS), use_stemmer=False)
OURS_STEMMING = Rouge()
OURS_PLAIN = Rouge(stemmer=False)

# Few different words, so that longest common subsequences have many ties.
WORDS = [
    "a",
    "b",
    "c",
    "running",
    "runs",
    "U.S.",
    "3.5%",
    "naïve",
    "İ",
    "ß",
    "—",
    "don't",
    "agreed",
]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
TEXTS = st.lists(SENTENCES, max_size=5).map("\n".join)
# Letters outside ASCII alone are refused by us and scored 0 there: kept rare.
ANY_TEXT = st.text("abcdeABC019 .,\n-'éŽ", max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_equal_to_rouge_score(references: list[str], prediction: str) -> None:
    # Enough ASCII letters that no text is refused.
    references = [f"base words of plain letters {one}" for one in references]
    prediction = f"base words of plain letters {prediction}"
    for ours, theirs in ((OURS_STEMMING, STEMMING), (OURS_PLAIN, PLAIN)):
        expected = theirs.score_multi(references, prediction)
        for variant, score in ours.score_texts(references, prediction).items():
            assert tuple(score) == tuple(expected[variant]), variant


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_equal_to_rouge_score_on_any_text(reference: str, prediction: str) -> None:
    try:
        ours = OURS_STEMMING.score_texts([reference], prediction)
    except EvaluationError:
        return
    expected = STEMMING.score(reference, prediction)
    assert {k: tuple(v) for k, v in ours.items()} == {k: tuple(v) for k, v in expected.items()}


def test_equal_to_rouge_score_on_long_texts() -> None:
    # Longer than a machine word of bits, with the word frequencies of prose.
    generator = random.Random(1)
    vocabulary = [f"w{rank}" for rank in range(200)]
    weights = [1 / (rank + 1) for rank in range(200)]
    for _ in range(20):
        texts = [
            "\n".join(
                " ".join(generator.choices(vocabulary, weights, k=generator.randint(1, 90)))
                for _ in range(generator.randint(1, 6))
            )
            for _ in range(3)
        ]
        expected = STEMMING.score_multi(texts[:2], texts[2])
        ours = OURS_STEMMING.score_texts(texts[:2], texts[2])
        assert {k: tuple(v) for k, v in ours.items()} == {k: tuple(v) for k, v in expected.items()}


def test_a_score_done_in_the_head() -> None:
    scores = OURS_PLAIN.score_texts(["the cat sat on the mat"], "the cat on the sofa")
    assert tuple(scores["rouge1"]) == (4 / 5, 4 / 6, 2 * (4 / 5) * (4 / 6) / (4 / 5 + 4 / 6))
    assert (scores["rouge2"].precision, scores["rouge2"].recall) == (2 / 4, 2 / 5)
    assert scores["rougeL"].recall == 4 / 6


def test_summary_level_union_of_the_paper() -> None:
    # Lin (2004), section 3.2: w1 w2 w3 w4 w5 against two candidate sentences gives 4/5.
    reference = [["w1", "w2", "w3", "w4", "w5"]]
    candidate = [["w1", "w2", "w6", "w7", "w8"], ["w1", "w3", "w8", "w9", "w5"]]
    assert score_summary(reference, candidate).recall == 4 / 5


def test_sentence_level_example_of_the_paper() -> None:
    # Lin (2004), section 3.1: 3/4 for S2, 2/4 for S3, with equal lengths.
    reference = ["police", "killed", "the", "gunman"]
    assert score_sequence(reference, ["police", "kill", "the", "gunman"]).fmeasure == 3 / 4
    assert score_sequence(reference, ["the", "gunman", "kill", "police"]).fmeasure == 2 / 4


# The first pair of rouge-score's public test data, a word a number, its stems alike: which
# words are equal is all that ROUGE sees. -1 stands for a word that the other text lacks.
PERL_REFERENCE = [
    [*range(27)],
    [*range(27, 41), 15, 6, *range(41, 67)],
    [*range(67, 80), 45, 80, 81],
    [*range(82, 90), 58, *range(90, 100)],
]
PERL_SUMMARY = [
    [-1, 10, 11, -1, 13, 14, 15, -1, -1, 18, 19, 20, 21, 22, 23, -1],
    [-1, *range(31, 38), -1, -1, 40, 15, 6, -1, -1, 43, 44, 45, -1, 47, 48, 49, -1, 51, -1, 53],
    [-1, -1, 74, 75, 76, -1, 78, 79, 45],
    [90, 91, -1, -1, 95, -1],
]


def numbered(sentences: list[list[int]]) -> str:
    return "\n".join(" ".join(f"w{one}" if one >= 0 else "x" for one in s) for s in sentences)


@pytest.mark.parametrize(
    ("variant", "sentences", "expected"),
    [
        ("rouge1", 1, (0.68750, 0.40741, 0.51163)),
        ("rouge2", 1, (0.53333, 0.30769, 0.39024)),
        ("rougeL", 1, (0.68750, 0.40741, 0.51163)),
        ("rougeLsum", 4, (0.66667, 0.36538, 0.47205)),
    ],
)
def test_equal_to_the_perl_script_1_5_5(
    variant: str, sentences: int, expected: tuple[float, float, float]
) -> None:
    reference, summary = (numbered(one[:sentences]) for one in (PERL_REFERENCE, PERL_SUMMARY))
    score = OURS_STEMMING.score_texts([reference], summary)[variant]
    assert tuple(round(value, 5) for value in score) == expected


def test_empty_texts_score_zero() -> None:
    for references, prediction in ((["x"], ""), ([""], "x"), ([""], "")):
        for score in OURS_STEMMING.score_texts(references, prediction).values():
            assert tuple(score) == (0.0, 0.0, 0.0)


def test_other_scripts_are_refused_or_scored_never_zero() -> None:
    russian = "Совет города проголосовал за ремонт старой стены."
    with pytest.raises(EvaluationError, match="--tokenizer unicode"):
        OURS_STEMMING.score_texts([russian], russian)
    for text in (russian, "市议会投票决定重建旧港口。", "नगर परिषद ने मतदान किया।", "สภาเมืองลงมติ"):
        scores = Rouge(tokenizer="unicode").score_texts([text], text)
        assert {score.fmeasure for score in scores.values()} == {1.0}


def test_western_european_text_passes_the_ascii_rule() -> None:
    french = "L'été dernier, le maire a évoqué la réouverture du théâtre à l'élève étonné."
    assert OURS_STEMMING.score_texts([french], french)["rouge1"].fmeasure == 1.0


def test_no_reference_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="at least one reference"):
        OURS_STEMMING.score_texts([], "x")


def test_the_signature_names_what_changes_scores() -> None:
    assert OURS_STEMMING.signature["stemmer"] == "porter"
    assert OURS_PLAIN.signature["stemmer"] == "none"
    assert Rouge(tokenizer="unicode").signature["tokenizer"] == "unicode"
    assert Rouge(tokenizer="unicode").signature["stemmer"] == "none"
