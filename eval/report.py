"""The report of a run as one self-contained HTML page: no script, no network.

For an editor: the table, the pictures, the articles. For a reviewer: the
intervals, the tests, the signatures.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval import plots, tables
from eval.datasets import Example
from eval.metrics import METRICS, Metric
from eval.plots import Point
from eval.scoring import Scored, ScoreTable
from models import documents
from models.contract import Article
from models.errors import InbriefError

SHOWN: Final = 20
_REFUSED_SHOWN: Final = 5
_LONG_NAME: Final = 24
_RANDOM_SEED: Final = 20_040_725
_QUALITY: Final = "rouge2_fmeasure"
_WORST_BY: Final = ("rouge1_fmeasure", "rouge2_fmeasure", "rougeLsum_fmeasure")


def page(table: ScoreTable, results: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    """The whole page; the first system is the one whose articles are looked at."""
    data = results["data"]
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    sections = [
        _section("Results", _headline(results, timings)),
        _section("Which differences are real", _differences(results)),
        _section("Quality against speed", _speed(results, timings)),
        _section("Length against ROUGE", _length(results)),
        _section("Distribution over articles", _distribution(table)),
        _section("Where in the article summaries come from", _positions(table)),
        _section("Slices", _slices(results)),
        _section("All metrics", _metrics(results)),
        _section(*_articles(table, "worst")),
        _section(*_articles(table, "random")),
        _section("Signatures", _signatures(results)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(data['name'])}: evaluation</title><style>{style}</style></head><body>"
        f"<header><h1>{escape(data['name'])}</h1><p>{_intro(results)}</p></header>"
        f"<main>{''.join(sections)}</main></body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _intro(results: Mapping[str, Any]) -> str:
    data, scoring = results["data"], results["scoring"]
    return (
        f"{data['articles']} articles with {data['references']} references; data digest"
        f" <code>{data['digest']}</code>, preset {data['preset']}."
        f" Means over articles with {scoring['bootstrap']['confidence']:.0%} intervals from"
        f" {scoring['bootstrap']['resamples']:,} resamples."
        " ROUGE as rouge-score 0.1.2 computes it; ROUGE-Lsum is what papers print as ROUGE-L."
    )


def _swatch(index: int) -> str:
    return f'<i class="swatch {plots.series(index)}"></i>'


def _name(name: str) -> str:
    """A system's name in a table: a long one is broken, or the numbers would be out of sight."""
    if len(name) <= _LONG_NAME:
        return escape(name)
    return f'<span class="long">{escape(name)}</span>'


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _value(metric: Metric, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    low, high = tables.number(metric, row["low"]), tables.number(metric, row["high"])
    return f"<b>{tables.number(metric, row['mean'])}</b><small>{low} to {high}</small>"


def _headline(results: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    metrics = tables.headline(results)
    header = ["system", "n", *(f"{escape(one.label)}" for one in metrics), "articles/s"]
    rows = []
    for index, system in enumerate(results["systems"]):
        speed = timings["systems"].get(system["name"])
        rows.append(
            [
                _swatch(index) + _name(system["name"]),
                str(tables.answered(system))
                + (f"<small>{system['truncated']} cut</small>" if system["truncated"] else ""),
                *(_value(one, system["metrics"].get(one.name)) for one in metrics),
                f"<b>{speed['articles_per_second']:.1f}</b>"
                f"<small>median {1000 * speed['median_seconds']:.1f} ms</small>"
                if speed
                else "–",
            ]
        )
    cut = any(system["truncated"] for system in results["systems"])
    note = "<p>Cut are articles that were longer than the system reads.</p>"
    return _html_table(header, rows) + note * cut


def _differences(results: Mapping[str, Any]) -> str:
    names = [system["name"] for system in results["systems"]]
    if len(names) < 2:
        return ""
    parts = [
        "<p>Row minus column. Coloured cells are differences that approximate randomisation"
        " finds after Holm's correction over all tests of this page (p &lt; 0.05);"
        " grey ones may be chance. Below each: articles won, tied and lost, and p.</p>"
    ]
    found = {(one["metric"], one["first"], one["second"]): one for one in results["comparisons"]}
    for metric_name in dict.fromkeys(one["metric"] for one in results["comparisons"]):
        metric = METRICS[metric_name]
        rows = []
        for first in names:
            cells = [_name(first)]
            for second in names:
                cells.append(_difference(metric, found, first, second))
            rows.append(cells)
        open_ = " open" if metric_name == _QUALITY else ""
        parts.append(
            f"<details{open_}><summary>{escape(metric.label)}</summary>"
            + _html_table(["", *map(_name, names)], rows)
            + "</details>"
        )
    return "".join(parts)


def _difference(
    metric: Metric, found: Mapping[tuple[str, str, str], Any], first: str, second: str
) -> str:
    if first == second:
        return ""
    one, sign = found.get((metric.name, first, second)), 1
    if one is None:
        one, sign = found.get((metric.name, second, first)), -1
    if one is None:
        return "–"
    value = sign * one["difference"]
    wins, losses = (one["wins"], one["losses"])[::sign]
    ahead = value > 0 if metric.better == "higher" else value < 0
    css = ("better" if ahead else "worse") if one["significant"] else "same"
    low, high = sorted((sign * one["low"], sign * one["high"]))
    hint = (
        f"95% interval {tables.number(metric, low)} to {tables.number(metric, high)};"
        f" p {one['p_holm']:.4f} (Holm); effect d {sign * one['effect_size'] + 0.0:.2f};"
        f" detectable {tables.number(metric, one['minimum_detectable'])}; n {one['n']}"
    )
    plus = "+" if value > 0 else ""
    return (
        f'<span class="{css}" title="{escape(hint)}">{plus}{tables.number(metric, value)}</span>'
        f"<small>{wins}/{one['ties']}/{losses}, p {one['p_holm']:.3f}</small>"
    )


def _points(results: Mapping[str, Any], quality: str, x_of: Mapping[str, float]) -> list[Point]:
    points = []
    for index, system in enumerate(results["systems"]):
        row = system["metrics"].get(quality)
        if row and x_of.get(system["name"], 0) > 0:
            low, mean, high = (100 * row[part] for part in ("low", "mean", "high"))
            x, bound = x_of[system["name"]], system["signature"].get("reads") == "references"
            points.append(Point(system["name"], index, x, mean, low, high, bound))
    return points


def _speed(results: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    speeds = {name: float(one["articles_per_second"]) for name, one in timings["systems"].items()}
    points = _points(results, _QUALITY, speeds)
    if not points:
        return ""
    return plots.scatter(
        points,
        "ROUGE-2 F against articles a second; the line joins systems that no other beats in both",
        "articles a second (one process, log scale)",
        "ROUGE-2 F",
        log_x=True,
        front=True,
    ) + (
        "<p>The line joins the systems that no other beats in both. Times are those of this run"
        " on this machine, articles one batch after another. An oracle reads the reference: it"
        " is a bound, not a competitor.</p>"
    )


def _length(results: Mapping[str, Any]) -> str:
    words = {one["name"]: one["metrics"]["words"]["mean"] for one in results["systems"]}
    pictures = [
        plots.scatter(
            points,
            f"{METRICS[metric].label} against words a summary",
            "words a summary",
            METRICS[metric].label,
        )
        for metric in ("rouge1_fmeasure", "rougeLsum_fmeasure")
        if (points := _points(results, metric, words))
    ]
    return f'<div class="pair">{"".join(pictures)}</div>' + (
        "<p>Longer summaries share more words with a reference and lose precision: compare"
        " systems of like length.</p>"
    )


def _distribution(table: ScoreTable) -> str:
    systems = []
    for one in table.systems:
        column = 100 * table.column(one.system, _QUALITY)
        systems.append((one.system, [float(value) for value in column[~np.isnan(column)]]))
    return plots.distributions(systems, "ROUGE-2 F by article", "ROUGE-2 F of an article") + (
        "<p>Bars count articles; the lines are quartiles and, thicker, the median.</p>"
    )


def _positions(table: ScoreTable) -> str:
    rows = [("references", plots.tenths([p for one in table.reference_positions for p in one]))]
    for one in table.systems:
        places = [place for row in table.rows[one.system] for place in row.positions]
        if places:
            rows.append((one.system, plots.tenths(places)))
    return plots.heat_map(rows, "Share of sentences by tenth of the article") + (
        "<p>Each summary sentence is traced to the article sentence it stands on; a row adds up"
        " to 100%. The first row shows where references come from.</p>"
    )


def _slices(results: Mapping[str, Any]) -> str:
    names = [system["name"] for system in results["systems"]]
    groups = []
    for one in results["slices"]:
        points = []
        for index, name in enumerate(names):
            row = one["systems"].get(name, {}).get(_QUALITY)
            if row:
                low, mean, high = (100 * row[part] for part in ("low", "mean", "high"))
                points.append(Point(name, index, 0, mean, low, high))
        if points:
            groups.append((f"{one['value']}\n{one['slice']}, n {one['n']}", points))
    if not groups:
        return ""
    legend = "".join(f"<span>{_swatch(i)}{escape(name)}</span>" for i, name in enumerate(names))
    return f'<p class="legend">{legend}</p>' + plots.intervals(
        groups, "ROUGE-2 F by slice", "ROUGE-2 F"
    )


def _metrics(results: Mapping[str, Any]) -> str:
    systems = results["systems"]
    rows = []
    for metric in METRICS.values():
        if tables.shown(metric.name, results):
            arrow = {"higher": " ↑", "lower": " ↓", "neither": ""}[metric.better]
            cells = [f"{escape(metric.label)}{arrow}<small>{escape(metric.description)}</small>"]
            for system in systems:
                row = system["metrics"].get(metric.name)
                count = f"<small>n {row['n']}</small>" if row else ""
                cells.append(_value(metric, row) + count)
            rows.append(cells)
    header = ["metric", *(_swatch(i) + _name(one["name"]) for i, one in enumerate(systems))]
    return f"<details><summary>{len(rows)} metrics</summary>{_html_table(header, rows)}</details>"


def _signatures(results: Mapping[str, Any]) -> str:
    rows = [
        f"<dt>{_swatch(i)}{escape(one['name'])}</dt><dd>{escape(one['signature_line'])}</dd>"
        for i, one in enumerate(results["systems"])
    ]
    return f"<dl>{''.join(rows)}</dl>"


# --- articles ------------------------------------------------------------


def _articles(table: ScoreTable, which: str) -> tuple[str, str]:
    focus = table.systems[0].system
    means = np.mean([table.column(focus, name) for name in _WORST_BY], axis=0)
    answered = [int(index) for index in np.flatnonzero(~np.isnan(means))]
    if which == "worst":
        refused = [int(index) for index in np.flatnonzero(np.isnan(means))][:_REFUSED_SHOWN]
        ranked = sorted(answered, key=lambda index: (means[index], index))
        chosen = [*refused, *ranked][:SHOWN]
        title = f"The {len(chosen)} articles where {focus} scores lowest or nothing"
    else:
        chosen = random.Random(_RANDOM_SEED).sample(answered, min(SHOWN, len(answered)))
        title = f"{len(chosen)} articles at random"
    return title, "".join(_article(table, index, float(means[index])) for index in chosen)


def _article(table: ScoreTable, index: int, mean: float) -> str:
    example = table.dataset.examples[index]
    rows = [(one.system, table.rows[one.system][index]) for one in table.systems]
    verdict = "refused" if np.isnan(mean) else f"mean ROUGE F {100 * mean:.1f}"
    title = example.title or " ".join(example.text.split()[:12]) + " …"
    summaries = [
        "<h4>reference</h4>"
        + "".join(f"<p>{escape(line)}</p>" for line in example.references[0].split("\n"))
    ]
    for number, (name, scored) in enumerate(rows):
        summaries.append(_summary(number, name, scored, table.systems[number].predictions[index]))
    return (
        f'<details class="article"><summary><span>{escape(example.id)}</span>'
        f" {escape(title)}<small>{verdict}</small></summary>"
        f'<div class="sides"><div class="text">{_text(example, rows)}</div>'
        f"<div>{''.join(summaries)}</div></div></details>"
    )


def _summary(number: int, name: str, scored: Scored, prediction: Any) -> str:
    head = f"<h4>{_swatch(number)}{escape(name)}</h4>"
    if prediction.refused:
        return f'{head}<p class="refused">refused: {escape(prediction.error or "")}</p>'
    lines = []
    for place, sentence in enumerate(scored.sentences):
        missing = scored.unsupported[place] if place < len(scored.unsupported) else ()
        note = f' <em class="worse">not in the article: {escape(", ".join(missing))}</em>'
        lines.append(f"<p>{_badge(number, place)}{escape(sentence)}{note if missing else ''}</p>")
    return head + ("".join(lines) or '<p class="refused">empty</p>')


def _badge(system: int, place: int) -> str:
    return f'<b class="badge {plots.series(system)}">{place + 1}</b>'


def _text(example: Example, rows: Sequence[tuple[str, Scored]]) -> str:
    """The article; sentences that the first system stands on are marked, others numbered."""
    try:
        document = documents.read(Article(example.text, example.title))
    except InbriefError:
        return f"<p>{escape(example.text)}</p>"
    used: dict[int, list[str]] = {}
    for system, (_, scored) in enumerate(rows):
        for place, origin in enumerate(scored.origins):
            used.setdefault(origin, []).append(_badge(system, place))
    focus = set(rows[0][1].origins)
    parts = []
    at = 0
    for sentence in document.sentences:
        start, end = sentence.span.start, sentence.span.end
        parts.append(escape(example.text[at:start]))
        body = escape(example.text[start:end])
        badges = "".join(used.get(sentence.index, ()))
        parts.append(f"{badges}<mark>{body}</mark>" if sentence.index in focus else badges + body)
        at = end
    parts.append(escape(example.text[at:]))
    return f'<div class="prose">{"".join(parts)}</div>'
