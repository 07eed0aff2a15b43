"""python -m models.training --recipe NAME --data DIR --out DIR [--resume]"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.training.rewriter import CPU, GPU, train_rewriter


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("--recipe", required=True, choices=["rewriter-cpu", "rewriter-gpu"])
    parser.add_argument("--data", required=True, type=Path, help="directory of training files")
    parser.add_argument("--out", required=True, type=Path, help="checkpoints and the result")
    parser.add_argument("--minutes", type=float, help="time budget of the whole run")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    options = parser.parse_args(arguments)
    recipe = CPU if options.recipe == "rewriter-cpu" else GPU
    if options.minutes is not None:
        recipe = replace(recipe, training=replace(recipe.training, minutes=options.minutes))
    train_rewriter(recipe, options.data, options.out, resume=options.resume)


if __name__ == "__main__":
    main()
