"""The reference engine: transformers' own `generate`, fp32 or bf16 on CPU, fp16 or bf16 on CUDA."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from models.checkpoints import Checkpoint
from models.engines.base import TokenIds
from models.errors import CorruptModel, IncompatibleModel, InferenceFailed
from models.generation import GenerationSettings, Hypothesis

DTYPES: Final = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Encoder positions per forward pass, padding and beams included: bounds memory, not quality.
_BATCH_POSITIONS: Final = {"cpu": 16_384, "cuda": 262_144}


def load_network(checkpoint: Checkpoint, dtype: torch.dtype, device: str = "cpu") -> Any:
    """The checkpoint as a transformers module in evaluation mode, from safetensors only.

    Raises CorruptModel when a weight is missing, of the wrong shape or cannot be read.
    """
    try:
        network, report = AutoModelForSeq2SeqLM.from_pretrained(
            checkpoint.directory,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            dtype=dtype,
            output_loading_info=True,
        )
    except (ImportError, KeyError) as error:
        raise IncompatibleModel(
            f"transformers cannot build the network of {checkpoint.directory}.", field="model"
        ) from error
    except Exception as error:  # safetensors, shapes, JSON: all mean that the files do not fit
        raise CorruptModel(
            f"The weights of {checkpoint.directory} cannot be loaded.", field="model"
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise CorruptModel(
            f"{checkpoint.directory} lacks {len(missing)} weights, {missing[0]} among them.",
            field="model",
        )
    network.generation_config = GenerationConfig()
    return network.eval().to(device)


class TransformersEngine:
    """`generate` over padded batches of similar length; halves one that does not fit on a GPU."""

    name = "transformers"

    def __init__(
        self,
        checkpoint: Checkpoint,
        precision: str = "fp32",
        device: str = "cpu",
        batch_positions: int | None = None,
    ) -> None:
        self.precision = precision
        self.device = device
        self._checkpoint = checkpoint
        self._network = load_network(checkpoint, DTYPES[precision], device)
        self._positions = batch_positions or _BATCH_POSITIONS[torch.device(device).type]

    def generate(
        self, batch: Sequence[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        results: list[list[Hypothesis]] = [[] for _ in batch]
        for rows in length_buckets(batch, self._positions // settings.beams):
            answers = self._generate_rows([batch[row] for row in rows], settings)
            for row, answer in zip(rows, answers, strict=True):
                results[row] = answer
        return results

    def _generate_rows(
        self, rows: list[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        try:
            return self._run(rows, settings)
        except torch.cuda.OutOfMemoryError as error:
            if len(rows) == 1:
                raise InferenceFailed("The article does not fit into GPU memory.") from error
        except RuntimeError as error:
            raise InferenceFailed("The network failed on this batch.") from error
        gc.collect()
        torch.cuda.empty_cache()
        half = len(rows) // 2
        return self._generate_rows(rows[:half], settings) + self._generate_rows(
            rows[half:], settings
        )

    @torch.inference_mode()
    def _run(self, rows: list[TokenIds], settings: GenerationSettings) -> list[list[Hypothesis]]:
        longest = max(len(row) for row in rows)
        ids = torch.full((len(rows), longest), self._checkpoint.pad_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(list(row))
            mask[index, : len(row)] = 1
        output = self._network.generate(
            input_ids=ids.to(self.device),
            attention_mask=mask.to(self.device),
            generation_config=self.generation_config(settings),
        )
        scores = output.sequences_scores.tolist() if settings.beams > 1 else None
        hypotheses = [
            self._hypothesis(sequence, scores[index] if scores else None, settings)
            for index, sequence in enumerate(output.sequences[:, 1:].tolist())
        ]
        count = settings.hypotheses
        return [hypotheses[at : at + count] for at in range(0, len(hypotheses), count)]

    def generation_config(self, settings: GenerationSettings) -> GenerationConfig:
        """The settings as transformers' own type."""
        checkpoint = self._checkpoint
        start, forced = settings.decoder_start_id, settings.forced_bos_id
        return GenerationConfig(
            do_sample=False,
            num_beams=settings.beams,
            num_return_sequences=settings.hypotheses,
            length_penalty=settings.length_penalty if settings.beams > 1 else None,
            early_stopping=settings.early_stopping if settings.beams > 1 else None,
            no_repeat_ngram_size=settings.no_repeat_ngram or None,
            min_new_tokens=settings.min_new_tokens or None,
            max_new_tokens=settings.max_new_tokens,
            decoder_start_token_id=checkpoint.decoder_start_id if start is None else start,
            forced_bos_token_id=checkpoint.forced_bos_id if forced is None else forced,
            forced_eos_token_id=checkpoint.forced_eos_id,
            eos_token_id=checkpoint.eos_id,
            pad_token_id=checkpoint.pad_id,
            return_dict_in_generate=True,
            output_scores=settings.beams > 1,
        )

    def _hypothesis(
        self, tokens: list[int], score: float | None, settings: GenerationSettings
    ) -> Hypothesis:
        return to_hypothesis(tokens, score, self._checkpoint.eos_id, settings.max_new_tokens)


def to_hypothesis(
    tokens: list[int], score: float | None, eos_id: int, max_new_tokens: int
) -> Hypothesis:
    """Cut at the end token; one in the very last place may have been forced, so is no ending."""
    if eos_id not in tokens:
        return Hypothesis(tuple(tokens), score, finished=False)
    end = tokens.index(eos_id)
    return Hypothesis(tuple(tokens[:end]), score, finished=end + 1 < max_new_tokens)


def length_buckets(batch: Sequence[TokenIds], positions: int) -> Iterator[list[int]]:
    """Row numbers grouped by similar length so that no group pads past `positions` in all."""
    order = sorted(range(len(batch)), key=lambda row: (-len(batch[row]), row))
    group: list[int] = []
    for row in order:
        if group and len(batch[group[0]]) * (len(group) + 1) > positions:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
