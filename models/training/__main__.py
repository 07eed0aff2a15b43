"""Train a model of inbrief's kind on your own data.

Examples:
    python -m models.training --recipe salience --data DIR --out DIR
    python -m models.training --recipe rewriter-cpu --data DIR --out DIR --minutes 75
    python -m models.training --recipe shortenings --data pairs.jsonl --model DIR --out DIR
    python -m models.training --recipe acceptability --data DIR --model DIR --out DIR --minutes 45
    python -m models.training --recipe package --data DIR --out DIR   # DIR/salience, DIR/rewriter
    python -m models.training --recipe small-bart --data DIR --out DIR --minutes 70
    python -m models.training --recipe finetune --base DIR_OR_ID --data mine.jsonl --out DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.errors import InbriefError
from models.rewriting import TOKENIZER, Rewriter
from models.training.acceptability import train_acceptability
from models.training.config import FinetuneConfig, TrainingConfig
from models.training.packaging import package
from models.training.parsing import SpacyParser
from models.training.rewriter import CPU, GPU, train_rewriter
from models.training.salience import SalienceRecipe, train_salience
from models.training.shortenings import build_shortenings
from models.training.warm_start import minilm_directory


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe that the arguments name; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.recipe == "finetune":
            _finetune(options)
        elif options.recipe == "package":
            salience, rewriter = options.data / "salience", options.data / "rewriter"
            judge = options.data / "acceptability"
            package(
                salience,
                rewriter,
                options.out,
                name=options.name,
                choice={},
                judge=judge if judge.is_dir() else None,
            )
        elif options.recipe in {"shortenings", "acceptability"}:
            _judge(options)
        elif options.recipe == "small-bart":
            _small_bart(options)
        elif options.recipe == "salience":
            train_salience(SalienceRecipe(), options.data, options.out, resume=options.resume)
        else:
            recipe = CPU if options.recipe == "rewriter-cpu" else GPU
            if options.minutes is not None:
                training = replace(recipe.training, minutes=options.minutes)
                recipe = replace(recipe, training=training)
            train_rewriter(recipe, options.data, options.out, resume=options.resume)
    except InbriefError as error:
        print(f"models.training: {error.message}", file=sys.stderr)
        return 2
    return 0


def _judge(options: argparse.Namespace) -> None:
    """The judge's corpus, or the judge, beside the rewriter of `--model`."""
    if options.model is None:
        raise SystemExit(f"--recipe {options.recipe} needs --model, a directory with a rewriter")
    rewriter = Rewriter.load(options.model, bfloat16=False)
    if options.recipe == "shortenings":
        parser = SpacyParser(options.parser)
        build_shortenings(options.data, rewriter, parser, options.out, limit=options.limit)
        return
    training = TrainingConfig(
        minutes=options.minutes or 45,
        batch_size=48,
        pretrained_learning_rate=3e-4,
        validation_minutes=5,
    )
    train_acceptability(
        options.data,
        rewriter.network,
        options.model / TOKENIZER,
        minilm_directory(),
        options.out,
        training,
        resume=options.resume,
    )


def _small_bart(options: argparse.Namespace) -> None:
    # transformers takes seconds to import; the other recipes do without.
    from models.training.small_bart import SmallBartRecipe, train_small_bart

    recipe = SmallBartRecipe()
    if options.minutes is not None:
        recipe = replace(recipe, training=replace(recipe.training, minutes=options.minutes))
    train_small_bart(recipe, options.data, options.out, resume=options.resume)


def _finetune(options: argparse.Namespace) -> None:
    # transformers' trainer takes seconds to import; the other recipes do without.
    from models.training.finetune import finetune

    if options.base is None:
        raise SystemExit("--recipe finetune needs --base")
    changes = {
        name: getattr(options, name)
        for name in ("epochs", "batch_size", "learning_rate", "evaluation_steps", "patience")
        if getattr(options, name) is not None
    }
    best = finetune(
        options.base,
        options.data,
        options.out,
        replace(FinetuneConfig(), **changes),
        resume=options.resume,
        allow_download=options.allow_download,
    )
    print(f"the best checkpoint is in {best}; serve it with: inbrief serve --model {best}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--recipe",
        required=True,
        choices=[
            "salience",
            "rewriter-cpu",
            "rewriter-gpu",
            "shortenings",
            "acceptability",
            "package",
            "small-bart",
            "finetune",
        ],
    )
    parser.add_argument(
        "--data", required=True, type=Path, help="directory of training files; finetune: one file"
    )
    parser.add_argument("--name", default="news-small", help="package: the model's name")
    parser.add_argument("--out", required=True, type=Path, help="checkpoints and the result")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--minutes", type=float, help="time budget of the whole run")
    parser.add_argument("--model", type=Path, help="shortenings, acceptability: the rewriter")
    parser.add_argument("--parser", default="en_core_web_sm", help="shortenings: spaCy's pipeline")
    parser.add_argument("--limit", type=int, default=30_000, help="shortenings: pairs to use")
    tuned = parser.add_argument_group("finetune")
    tuned.add_argument("--base", help="checkpoint directory or hub id")
    tuned.add_argument("--allow-download", action="store_true", help="fetch --base from the hub")
    tuned.add_argument("--epochs", type=float)
    tuned.add_argument("--batch-size", type=int)
    tuned.add_argument("--learning-rate", type=float)
    tuned.add_argument("--evaluation-steps", type=int, help="steps between validations")
    tuned.add_argument("--patience", type=int, help="validations without a gain before stopping")
    return parser


if __name__ == "__main__":
    sys.exit(main())
