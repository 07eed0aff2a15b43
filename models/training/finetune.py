"""A newsroom's own model: fine-tune any seq2seq checkpoint on its articles and summaries.

The result is a directory that `inbrief --model` serves by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rouge_score.rouge_scorer import RougeScorer
from torch.utils.data import Dataset
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

from models.articles import ArticleRecord, read_records
from models.errors import InputError, InvalidRecord
from models.training.config import FinetuneConfig

# Where training looks for the figure that decides: mean of ROUGE-1, -2 and -L F1.
_CRITERION: Final = "rouge"


class SummaryDataset(Dataset[dict[str, list[int]]]):
    """Articles and summaries as token ids; articles are cut to the encoder's window."""

    def __init__(
        self,
        records: Sequence[ArticleRecord],
        tokenizer: PreTrainedTokenizerBase,
        config: FinetuneConfig,
        prefix: str,
    ) -> None:
        self._records, self._tokenizer = records, tokenizer
        self._config, self._prefix = config, prefix

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        record = self._records[index]
        source = self._tokenizer(
            self._prefix + record.text, truncation=True, max_length=self._config.max_source_tokens
        )
        target = self._tokenizer(
            text_target=record.summaries[0],
            truncation=True,
            max_length=self._config.max_summary_tokens,
        )
        return {
            "input_ids": source["input_ids"],
            "attention_mask": source["attention_mask"],
            "labels": target["input_ids"],
        }


def read_summarised(path: Path) -> list[ArticleRecord]:
    """The records of a file; raises the first bad one, or InputError if one has no summary."""
    records = []
    for record in read_records(path):
        if isinstance(record, InvalidRecord):
            raise record
        if not record.summaries:
            raise InputError(f"Record {record.id} has no summary to learn from.", field="summary")
        records.append(record)
    if len(records) < 2:
        raise InputError("Fine-tuning needs at least two records.", field="data")
    return records


def split_records(
    records: Sequence[ArticleRecord], share: float, seed: int
) -> tuple[list[ArticleRecord], list[ArticleRecord]]:
    """Training and validation records, at least one of each."""
    order = np.random.default_rng(seed).permutation(len(records))
    count = min(len(records) - 1, max(1, round(share * len(records))))
    held_out = {int(index) for index in order[:count]}
    train = [record for index, record in enumerate(records) if index not in held_out]
    return train, [records[index] for index in sorted(held_out)]


def rouge_metric(tokenizer: PreTrainedTokenizerBase) -> Callable[[Any], dict[str, float]]:
    """Validation ROUGE of generated ids against label ids, in per cent."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    pad = tokenizer.pad_token_id

    def measure(prediction: Any) -> dict[str, float]:
        generated, labels = (
            tokenizer.batch_decode(np.where(ids < 0, pad, ids), skip_special_tokens=True)
            for ids in (prediction.predictions, prediction.label_ids)
        )
        scores = [scorer.score(a, b) for a, b in zip(labels, generated, strict=True)]
        figures = {
            name: 100 * float(np.mean([score[name].fmeasure for score in scores]))
            for name in ("rouge1", "rouge2", "rougeL")
        }
        return figures | {_CRITERION: float(np.mean(list(figures.values())))}

    return measure


def finetune(
    base: str,
    data: Path,
    out: Path,
    config: FinetuneConfig | None = None,
    *,
    resume: bool = False,
    allow_download: bool = False,
) -> Path:
    """Fine-tune `base` (a directory, or a hub id if downloads are allowed); returns `out/best`.

    bfloat16 where the machine has it. `resume` goes on from the last checkpoint in `out`.
    """
    config = config or FinetuneConfig()
    options = {"local_files_only": not allow_download, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(base, **options)
    model = AutoModelForSeq2SeqLM.from_pretrained(base, use_safetensors=True, **options)
    parameters = (getattr(model.config, "task_specific_params", None) or {}).get("summarization")
    prefix = str((parameters or {}).get("prefix", ""))
    train, held_out = split_records(read_summarised(data), config.validation_share, config.seed)
    window = getattr(model.config, "max_position_embeddings", None) or config.max_source_tokens
    config = _within(config, int(window))
    trainer = Seq2SeqTrainer(
        model=model,
        args=_arguments(config, out),
        train_dataset=SummaryDataset(train, tokenizer, config, prefix),
        eval_dataset=SummaryDataset(held_out, tokenizer, config, prefix),
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        processing_class=tokenizer,
        compute_metrics=rouge_metric(tokenizer),
        callbacks=[EarlyStoppingCallback(config.patience)],
    )
    trainer.train(resume_from_checkpoint=resume and any(out.glob("checkpoint-*")))
    best = out / "best"
    trainer.save_model(str(best))
    return best


def _within(config: FinetuneConfig, window: int) -> FinetuneConfig:
    return replace(
        config,
        max_source_tokens=min(config.max_source_tokens, window),
        max_summary_tokens=min(config.max_summary_tokens, window),
    )


def _arguments(config: FinetuneConfig, out: Path) -> Seq2SeqTrainingArguments:
    return Seq2SeqTrainingArguments(
        output_dir=str(out),
        learning_rate=config.learning_rate,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps,
        warmup_steps=config.warmup_share,
        eval_strategy="steps",
        eval_steps=config.evaluation_steps,
        save_steps=config.evaluation_steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=_CRITERION,
        greater_is_better=True,
        predict_with_generate=True,
        generation_max_length=config.max_summary_tokens,
        bf16=_has_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        seed=config.seed,
        report_to=[],
        logging_steps=max(1, config.evaluation_steps // 4),
    )


def _has_bfloat16() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return "avx512" in torch.backends.cpu.get_cpu_capability().lower()
