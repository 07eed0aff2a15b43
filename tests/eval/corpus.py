"""Small articles with references, written for the tests; each about something else."""

from __future__ import annotations

from pathlib import Path

from eval.datasets import Dataset, Example, build
from models.articles import write_json_lines

_TOPICS = (
    ("Larne", "harbour wall", "repair", "fishermen", "storm", "4.2 million pounds", "Ann Hale"),
    ("Porto", "tram line", "extension", "commuters", "delay", "31 million euros", "Rui Prata"),
    ("Malmo", "library", "reopening", "readers", "fire", "9 million kronor", "Eva Lind"),
    ("Dakar", "fish market", "cooling", "traders", "heatwave", "2 million dollars", "Awa Sarr"),
    ("Leeds", "youth orchestra", "tour", "musicians", "strike", "80,000 pounds", "Tom Reyes"),
    ("Quito", "cable car", "repair", "visitors", "earthquake", "1.5 million dollars", "Luz Mora"),
    ("Tartu", "bicycle bridge", "opening", "cyclists", "flood", "6 million euros", "Jaan Saar"),
    ("Hobart", "penguin colony", "survey", "rangers", "oil leak", "300,000 dollars", "Mia Kerr"),
    ("Nagoya", "bakery school", "founding", "apprentices", "shortage", "50 million yen", "Ken Abe"),
    ("Galway", "wind farm", "vote", "farmers", "dispute", "12 million euros", "Nora Fahy"),
)  # fmt: skip


def example(number: int) -> Example:
    town, thing, act, people, trouble, cost, name = _TOPICS[number % len(_TOPICS)]
    sentences = [
        f"The council of {town} agreed on Monday to pay for the {act} of the {thing}.",
        f"The work will cost {cost} and begin in March.",
        f"Local {people} had asked for it since the {trouble} of 2019.",
        f"Two streets near the {thing} will close for a month, officials said.",
        f"The mayor, {name}, called it a good day for {town}.",
        f"A first plan for the {thing} failed in 2021 because of money.",
    ]
    reference = f"{town} pays for the {act} of its {thing}.\nIt will cost {cost}."
    fields: dict[str, object] = {"section": "local" if number % 2 else "business"}
    return Example(f"a{number}", "\n\n".join(sentences), None, (reference,), fields)


def examples(count: int = 10) -> list[Example]:
    return [example(number) for number in range(count)]


def dataset(count: int = 10) -> Dataset:
    return build("towns.jsonl", examples(count))


def write(path: Path, count: int = 10) -> Path:
    write_json_lines(
        path,
        [
            {"id": one.id, "text": one.text, "summary": list(one.references), **one.fields}
            for one in examples(count)
        ],
    )
    return path
