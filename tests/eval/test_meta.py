import json
from math import nan
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from eval.extractive import at_random, lead, oracle
from eval.meta import area_under_curve, entity_overlap, evaluate, load_judged, markdown
from eval.scoring import score
from eval.similarity import PACKAGE, Encoder, default_directory
from models.errors import EvaluationError
from tests.eval import corpus

DATA = Path(__file__).parents[3] / "shared" / "data" / "judged"


def write(path: Path, *, invert: bool = False) -> Path:
    """Summaries of four systems, which people like in the order oracle, lead, random, invented."""
    examples = corpus.examples(8)
    systems = [oracle(2), lead(1), at_random(2)]
    answers = [one.summarise(examples) for one in systems]
    rows = []
    for index, example in enumerate(examples):
        texts = [one[index].summary for one in answers] + ["Bob Stone paid 77 dollars in Geneva."]
        order = range(4) if invert else range(4, 0, -1)
        judged = {
            f"M{number}": {"text": text, "scores": {"relevance": float(value)}}
            for number, (text, value) in enumerate(zip(texts, order, strict=True))
        }
        rows.append(
            {
                "id": example.id,
                "article": example.text,
                "refs": list(example.references),
                "system_summaries": judged,
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_metric_that_agrees_with_people_has_a_high_tau(tmp_path: Path) -> None:
    found = evaluate(load_judged(write(tmp_path / "j.jsonl"), against_article=False))
    rows = {one["metric"]: one for one in found["rows"]}
    assert rows["rouge2_fmeasure"]["tau_system"] > 0.6
    assert rows["rouge2_fmeasure"]["tau_summary"] > 0.6
    assert rows["rouge2_fmeasure"]["auc"] > 0.9
    assert rows["rouge2_fmeasure"]["systems"] == 4
    assert rows["rouge2_fmeasure"]["summaries"] == 32
    # Fewer unsupported items are better, so people's order gives a positive tau.
    assert rows["unsupported_items"]["tau_system"] > 0
    other = evaluate(load_judged(write(tmp_path / "i.jsonl", invert=True), against_article=False))
    inverted = {one["metric"]: one for one in other["rows"]}
    assert inverted["rouge2_fmeasure"]["tau_summary"] == pytest.approx(
        -rows["rouge2_fmeasure"]["tau_summary"]
    )
    text = markdown(found)
    assert "| ROUGE-2 F | relevance |" in text
    assert "8 articles, 4 systems" in text


def test_against_the_article_precision_says_what_is_copied(tmp_path: Path) -> None:
    judged = load_judged(write(tmp_path / "j.jsonl"), against_article=True)
    assert judged.dataset.examples[0].references == (judged.dataset.examples[0].text,)
    rows = {one["metric"]: one for one in evaluate(judged)["rows"]}
    assert rows["rouge2_precision"]["auc"] > 0.5


def test_the_area_is_that_of_the_rank_sum_test() -> None:
    generator = np.random.default_rng(1)
    positive = generator.random(200) < 0.4
    scores = np.round(generator.normal(positive * 0.8, 1.0), 1)  # rounded: with ties
    area, deviation = area_under_curve(scores, positive)
    statistic = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert area == pytest.approx(statistic / (positive.sum() * (~positive).sum()))
    resampled = []
    for _ in range(500):
        drawn = generator.integers(0, 200, 200)
        resampled.append(area_under_curve(scores[drawn], positive[drawn])[0])
    assert deviation == pytest.approx(np.std(resampled), rel=0.15)


def test_areas_by_hand() -> None:
    positive = np.array([True, True, False, False])
    assert area_under_curve(np.array([3.0, 2.0, 1.0, 0.0]), positive)[0] == 1.0
    assert area_under_curve(np.array([1.0, 1.0, 1.0, 1.0]), positive)[0] == 0.5
    assert area_under_curve(np.array([3.0, 0.0, 1.0, 2.0]), positive)[0] == 0.5


def test_entity_overlap_by_hand() -> None:
    article = "The mayor Ann Hale paid 4.2 million on Monday."
    assert entity_overlap("On Monday Ann Hale paid 4.2 million.", article) == 1.0
    assert entity_overlap("The mayor Bob Hale paid.", article) == 0.5
    assert entity_overlap("nothing here", article) == 1.0


def test_records_without_judgements_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text('{"id": "a", "article": "T", "refs": ["R"]}\n')
    with pytest.raises(EvaluationError, match="a: no 'system_summaries'"):
        load_judged(path, against_article=False)


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ({"A": "a text"}, 'the summary of A has no "text"'),
        ({"A": {"scores": {"f": 1}}}, 'the summary of A has no "text"'),
        ({"A": {"text": "x", "scores": 1}}, '"scores" of A is no object'),
        ({"A": {"text": "x", "scores": {"f": "high"}}}, "the score f of A is no number"),
        ({"A": {"text": "x"}}, "no summary has scores"),
    ],
)
def test_judgements_of_another_shape_are_refused(
    tmp_path: Path, judged: dict[str, object], message: str
) -> None:
    path = tmp_path / "j.jsonl"
    row = {"id": "a", "article": "T", "refs": ["R"], "system_summaries": judged}
    path.write_text(json.dumps(row))
    with pytest.raises(EvaluationError, match=message):
        load_judged(path, against_article=False)


def test_what_nobody_judged_is_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    scores = [{"f": 1}, {"f": None}, {}]
    judged = {f"S{i}": {"text": "x", "scores": one} for i, one in enumerate(scores)}
    row = {"id": "a", "article": "T", "refs": ["R"], "system_summaries": judged}
    path.write_text(json.dumps(row))
    human = load_judged(path, against_article=False).human["f"]
    assert [float(human[name][0]) for name in human] == pytest.approx([1, nan, nan], nan_ok=True)


def test_the_signature_stands_below(tmp_path: Path) -> None:
    found = evaluate(load_judged(write(tmp_path / "j.jsonl"), against_article=False))
    parts = found["signature"].split("|")
    for part in ("articles:8", "stemmer:porter", "tokenizer:ascii", "preset:none", "seed:20040725"):
        assert part in parts
    assert f"- `{found['signature']}`" in markdown(found)


def test_similarity_is_judged_where_there_is_an_encoder(tmp_path: Path) -> None:
    pytest.importorskip(PACKAGE, reason="the sentence encoder comes with the train extra")
    judged = load_judged(write(tmp_path / "j.jsonl"), against_article=False)
    found = evaluate(judged, encoder=Encoder(default_directory()))
    (row,) = (one for one in found["rows"] if one["metric"] == "similarity")
    assert row["tau_summary"] > 0.6
    assert "similarity:" in found["signature"]


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="human judgements are not in the repository")
def test_lead_3_of_summeval_scores_what_rouge_score_gives() -> None:
    judged = load_judged(DATA / "summeval.jsonl.xz", against_article=False)
    (system,) = (one for one in judged.systems if one.system == "M0")
    table = score(judged.dataset, [system])
    means = [
        100 * table.column("M0", name).mean() for name in ("rouge1_fmeasure", "rouge2_fmeasure")
    ]
    assert means == pytest.approx([49.0, 25.3], abs=0.15)
