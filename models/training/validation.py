"""Figures of a rewriter on held-out pairs: loss, accuracy, ROUGE beside the untouched sentence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from rouge_score.rouge_scorer import RougeScorer
from tqdm import tqdm

from models.networks.rewriter import IGNORE, rewriter_loss
from models.rewriter_input import RewriteInput
from models.rewriting import Rewriter
from models.shortening import Task
from models.training.batches import Example, epoch
from models.training.pairs import Pair


@torch.inference_mode()
def next_action_figures(
    rewriter: Rewriter, items: Sequence[Example], bfloat16: bool
) -> dict[str, float]:
    """Cross-entropy and accuracy of the next action given the reference's actions so far."""
    network, device = rewriter.network, rewriter.device
    loss, right, count = 0.0, 0, 0
    for batch in epoch(items, 64, seed=0):
        actions = batch.actions.to(device)
        source = rewriter.on_device(batch.source)
        with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=bfloat16):
            scores, keep = network(source, actions)
        known = actions != IGNORE
        number = int(known.sum())
        loss += float(rewriter_loss(scores, keep, actions, source, 0.0)) * number
        right += int(((scores.argmax(-1) == actions) & known).sum())
        count += number
    return {"loss": loss / count, "accuracy": right / count}


def rewriting_figures(
    rewriter: Rewriter, pairs: Sequence[Pair], samples: int = 4
) -> dict[str, float]:
    """Mean ROUGE F1 of greedy rewrites and of the source sentences, and the length ratio.

    The first few rewrites are printed.
    """
    inputs = [input_of(pair) for pair in pairs]
    texts = [found[0].text if found else "" for found in rewriter.rewrite(inputs)]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    names = {"rouge1": "R1", "rouge2": "R2", "rougeL": "RL"}
    figures = dict.fromkeys([*names.values(), *(f"source {n}" for n in names.values())], 0.0)
    for pair, text in zip(pairs, texts, strict=True):
        ours = scorer.score(pair.reference, text)
        untouched = scorer.score(pair.reference, pair.sentence)
        for metric, name in names.items():
            figures[name] += 100 * ours[metric].fmeasure / len(pairs)
            figures[f"source {name}"] += 100 * untouched[metric].fmeasure / len(pairs)
    written = sum(len(text.split()) for text in texts)
    figures["length ratio"] = written / sum(len(pair.sentence.split()) for pair in pairs)
    for pair, text in list(zip(pairs, texts, strict=True))[:samples]:
        tqdm.write(f"  {pair.task}: {pair.sentence}\n    -> {text}\n    ref {pair.reference}")
    return figures


def input_of(pair: Pair) -> RewriteInput:
    task: Task = "headline" if pair.task == "headline" else "sentence"
    return RewriteInput(pair.sentence, pair.previous, pair.lead, task)
