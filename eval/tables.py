"""Results as Markdown and CSV. No score without its n; signatures stand below."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from eval.metrics import HEADLINE, METRICS, Metric


def shown(metric: str, results: Mapping[str, Any]) -> bool:
    """Whether some system of the results has this metric."""
    return any(metric in system["metrics"] for system in results["systems"])


def headline(results: Mapping[str, Any]) -> list[Metric]:
    """The metrics of the headline table that these results have; empty ones only where some are."""
    empty = any(one["metrics"].get("empty", {"mean": 0})["mean"] for one in results["systems"])
    names = [name for name in HEADLINE if name != "empty" or empty]
    return [METRICS[name] for name in names if shown(name, results)]


def number(metric: Metric, value: float) -> str:
    """A value for people: shares from 0 to 100, two decimals for ROUGE, one otherwise."""
    decimals = 2 if metric.name.startswith("rouge") or metric.name == "density" else 1
    # Plus zero, or a difference that rounds to nothing would have a sign.
    return f"{round(value * metric.scale, decimals) + 0.0:.{decimals}f}"


def with_interval(metric: Metric, row: Mapping[str, Any]) -> str:
    low, high = number(metric, row["low"]), number(metric, row["high"])
    return f"{number(metric, row['mean'])} [{low}, {high}]"


def markdown(results: Mapping[str, Any], timings: Mapping[str, Any] | None = None) -> str:
    """The report as Markdown."""
    data = results["data"]
    lines = [
        f"# {data['name']}",
        "",
        f"{data['articles']} articles, {data['references']} references, data digest"
        f" `{data['digest']}`, preset {data['preset']}. Means over articles with"
        f" {results['scoring']['bootstrap']['confidence']:.0%} bootstrap intervals; n after"
        " the name counts answered articles.",
        "",
        *_headline_table(results, timings),
        *_truncations(results),
        "",
        "## Differences",
        "",
        *_comparison_table(results),
        "",
        "## All metrics",
        "",
        *_metric_table(results),
        "",
        "## Signatures",
        "",
        *(f"- `{system['signature_line']}`" for system in results["systems"]),
    ]
    if results["slices"]:
        at = lines.index("## Signatures")
        lines[at:at] = ["## Slices", "", *_slice_table(results), ""]
    return "\n".join(lines) + "\n"


def summary(results: Mapping[str, Any]) -> list[str]:
    """Headline numbers and signatures for a terminal."""
    metrics = headline(results)
    header = ["system", "n", *(metric.label for metric in metrics)]
    rows = [
        [
            system["name"],
            str(answered(system)),
            *(
                number(metric, system["metrics"][metric.name]["mean"])
                if metric.name in system["metrics"]
                else "-"
                for metric in metrics
            ),
        ]
        for system in results["systems"]
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return [
        *lines,
        *_truncations(results),
        "",
        *(system["signature_line"] for system in results["systems"]),
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [row(header), "|" + " --- |" * len(header), *map(row, rows)]


def answered(system: Mapping[str, Any]) -> int:
    """How many articles the system's scores are means over."""
    return int(system["metrics"]["rouge1_fmeasure"]["n"])


def _headline_table(results: Mapping[str, Any], timings: Mapping[str, Any] | None) -> list[str]:
    metrics = headline(results)
    header = ["system (n)", *(metric.label for metric in metrics)]
    speeds = (timings or {}).get("systems", {})
    if speeds:
        header += ["articles/s", "median s"]
    rows = []
    for system in results["systems"]:
        cells = [f"{system['name']} ({answered(system)})"]
        for metric in metrics:
            row = system["metrics"].get(metric.name)
            cells.append(with_interval(metric, row) if row else "–")
        if speeds:
            speed = speeds.get(system["name"])
            cells += (
                [f"{speed['articles_per_second']:.2f}", f"{speed['median_seconds']:.3f}"]
                if speed
                else ["–", "–"]
            )
        rows.append(cells)
    return _table(header, rows)


def _truncations(results: Mapping[str, Any]) -> list[str]:
    cut = [one for one in results["systems"] if one["truncated"]]
    if not cut:
        return []
    counts = ", ".join(f"{one['name']} {one['truncated']}" for one in cut)
    return ["", f"Articles that were longer than the system reads, and cut: {counts}."]


def verdict(row: Mapping[str, Any]) -> str:
    """Which of two systems is better, in words."""
    if not row["significant"]:
        return "no difference shown"
    better = METRICS[row["metric"]].better
    ahead = row["difference"] > 0 if better == "higher" else row["difference"] < 0
    return f"{row['first'] if ahead else row['second']} is better"


def _comparison_table(results: Mapping[str, Any]) -> list[str]:
    header = ["metric", "A", "B", "A - B", "p (Holm)", "effect d", "win/tie/loss"]
    header += ["detectable", "n", "verdict"]
    rows = []
    for one in results["comparisons"]:
        metric = METRICS[one["metric"]]
        rows.append(
            [
                metric.label,
                one["first"],
                one["second"],
                with_interval(metric, {**one, "mean": one["difference"]}),
                f"{one['p_holm']:.4f}",
                f"{one['effect_size']:.2f}",
                f"{one['wins']}/{one['ties']}/{one['losses']}",
                number(metric, one["minimum_detectable"]),
                str(one["n"]),
                verdict(one),
            ]
        )
    if not rows:
        return ["One system alone is compared with nothing."]
    return [
        *_table(header, rows),
        "",
        "Two-sided approximate randomisation over the articles both answered, Holm's correction"
        " over all rows; *detectable* is the difference this n finds with a power of 0.8.",
    ]


def _metric_table(results: Mapping[str, Any]) -> list[str]:
    systems = results["systems"]
    rows = []
    for metric in METRICS.values():
        if shown(metric.name, results):
            cells = [metric.label]
            for system in systems:
                row = system["metrics"].get(metric.name)
                cells.append(f"{with_interval(metric, row)} ({row['n']})" if row else "–")
            rows.append([*cells, metric.description])
    return _table(["metric (n)", *(one["name"] for one in systems), "what it is"], rows)


def _slice_table(results: Mapping[str, Any]) -> list[str]:
    systems = [system["name"] for system in results["systems"]]
    rows = []
    for one in results["slices"]:
        cells = [one["slice"], one["value"], str(one["n"])]
        for name in systems:
            row = one["systems"].get(name, {}).get("rouge2_fmeasure")
            cells.append(with_interval(METRICS["rouge2_fmeasure"], row) if row else "–")
        rows.append(cells)
    return _table(["slice", "value", "n", *(f"{name} ROUGE-2 F" for name in systems)], rows)


def csv_text(results: Mapping[str, Any]) -> str:
    """One row a system and metric, with its interval, n, data digest and signature."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["system", "metric", "mean", "low", "high", "n", "data_digest", "signature"])
    for system in results["systems"]:
        for name, row in system["metrics"].items():
            numbers = [row[part] for part in ("mean", "low", "high", "n")]
            stamp = [results["data"]["digest"], system["signature_line"]]
            writer.writerow([system["name"], name, *numbers, *stamp])
    return stream.getvalue()
