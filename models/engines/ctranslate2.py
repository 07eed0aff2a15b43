"""CTranslate2: int8 or fp32 on CPU, int8 or fp16 on CUDA, converted once into a cache directory.

The converter works on token strings. Ours names token 17 "t17", so that ids
go in and out unchanged whatever the checkpoint's tokenizer looks like.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from models.checkpoints import Checkpoint
from models.engines.base import TokenIds
from models.errors import IncompatibleModel, InferenceFailed, MissingDependency
from models.generation import GenerationSettings, Hypothesis

ARCHITECTURES: Final = frozenset({"bart", "mbart", "pegasus", "t5", "mt5"})
COMPUTE_TYPES: Final = {"int8": "int8", "fp32": "float32", "fp16": "float16"}

# Encoder positions per pass, padding and beams included: bounds memory, not quality (0: no bound).
BATCH_POSITIONS: Final = 16_384


class CTranslate2Engine:
    """`Translator.translate_batch` over ids; converts the checkpoint on first use.

    Raises IncompatibleModel for an architecture or setting that CTranslate2
    does not run and MissingDependency when it is not installed.
    """

    name = "ctranslate2"

    def __init__(
        self,
        checkpoint: Checkpoint,
        cache_dir: Path,
        precision: str = "int8",
        device: str = "cpu",
        threads: int = 0,
        batch_positions: int = BATCH_POSITIONS,
    ) -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise MissingDependency("The ctranslate2 package is not installed.") from error
        if checkpoint.architecture not in ARCHITECTURES:
            raise IncompatibleModel(
                f"CTranslate2 does not run {checkpoint.architecture} checkpoints.", field="engine"
            )
        self.precision = precision
        self.device = device
        self._checkpoint = checkpoint
        self._batch_positions = batch_positions
        directory = convert(checkpoint, cache_dir, COMPUTE_TYPES[precision])
        self._translator = ctranslate2.Translator(
            str(directory),
            device=device,
            compute_type=COMPUTE_TYPES[precision],
            inter_threads=1,
            intra_threads=threads,
        )

    def generate(
        self, batch: Sequence[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        if settings.early_stopping == "never":
            raise InferenceFailed('CTranslate2 cannot search with early_stopping="never".')
        prefix = self._prefix(settings)
        # transformers puts a forced end token in the last place; CTranslate2 knows none.
        most = settings.max_new_tokens - (self._checkpoint.forced_eos_id is not None)
        if most < 1:  # room for the forced end only
            return [[Hypothesis((), None, finished=False)] for _ in batch]
        try:
            results = self._translator.translate_batch(
                [[_token(token) for token in row] for row in batch],
                target_prefix=[prefix] * len(batch) if prefix else None,
                max_batch_size=self._batch_positions // settings.beams,
                batch_type="tokens",
                beam_size=settings.beams,
                num_hypotheses=settings.hypotheses,
                length_penalty=settings.length_penalty,
                no_repeat_ngram_size=settings.no_repeat_ngram,
                min_decoding_length=min(settings.min_new_tokens, most),
                max_decoding_length=most,
                max_input_length=0,  # the default cuts input at 1024 tokens without a word
                return_scores=settings.beams > 1,
            )
        except (RuntimeError, ValueError) as error:
            raise InferenceFailed("CTranslate2 failed on this batch.") from error
        return [self._hypotheses(result, settings) for result in results]

    def _prefix(self, settings: GenerationSettings) -> list[str]:
        """What the output begins with: the start token where it is not fixed, the forced one."""
        start, forced = settings.decoder_start_id, settings.forced_bos_id
        if self._checkpoint.architecture == "mbart":  # its converter leaves the start token open
            prefix = [self._checkpoint.decoder_start_id if start is None else start]
        elif start in (None, self._checkpoint.decoder_start_id):
            prefix = []
        else:
            raise InferenceFailed("CTranslate2 cannot change the decoder's start token.")
        forced = self._checkpoint.forced_bos_id if forced is None else forced
        return [_token(token) for token in [*prefix, *([] if forced is None else [forced])]]

    def _hypotheses(self, result: Any, settings: GenerationSettings) -> list[Hypothesis]:
        scores = result.scores or [None] * len(result.hypotheses)
        found = []
        for tokens, score in zip(result.hypotheses, scores, strict=True):
            ids = tuple(int(token[1:]) for token in tokens)[: settings.max_new_tokens]
            found.append(Hypothesis(ids, score, finished=len(ids) + 1 < settings.max_new_tokens))
        return found


def convert(checkpoint: Checkpoint, cache_dir: Path, compute_type: str) -> Path:
    """The converted model's directory under `cache_dir`, made on first use and then reused.

    It is made aside and renamed into place, so that a killed conversion
    leaves nothing half-done and two processes may convert at once.
    """
    target = cache_dir / f"{checkpoint.name}-{checkpoint.revision}-{compute_type}"
    if target.is_dir():
        return target
    cache_dir.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{checkpoint.name}-", dir=cache_dir))
    try:
        _convert_into(checkpoint, aside, compute_type)
        try:
            os.rename(aside, target)
        except OSError:
            if not target.is_dir():  # else another process was first
                raise
    except AttributeError as error:
        raise IncompatibleModel(
            f"CTranslate2 cannot convert {checkpoint.directory}.", field="engine"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _convert_into(checkpoint: Checkpoint, directory: Path, compute_type: str) -> None:
    import torch
    from ctranslate2.converters import TransformersConverter

    from models.engines.transformers import load_network

    class Converter(TransformersConverter):  # type: ignore[misc]  # it ships no types
        def load_model(self, model_class: Any, name: str, **_: Any) -> Any:
            network = load_network(checkpoint, torch.float32)
            # transformers 5 dropped these two from the configurations; the converter reads them.
            config = network.config
            if not hasattr(config, "normalize_before"):
                config.normalize_before = checkpoint.architecture in {"pegasus", "mbart"}
            if not hasattr(config, "normalize_embedding"):
                config.normalize_embedding = checkpoint.architecture != "pegasus"
            if checkpoint.architecture in {"t5", "mt5"}:
                # transformers 5 ties the embeddings of every T5; what scales is said elsewhere.
                config.tie_word_embeddings = getattr(config, "scale_decoder_outputs", False)
            return network

        def load_tokenizer(self, tokenizer_class: Any, name: str, **_: Any) -> Any:
            return _NumberedVocabulary(checkpoint)

    Converter(str(checkpoint.directory)).convert(
        str(directory), quantization=compute_type, force=True
    )


class _NumberedVocabulary:
    """What the converter asks of a tokenizer, with tokens named after their numbers."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._size = checkpoint.vocabulary_size
        self.eos_token = _token(checkpoint.eos_id)
        self.pad_token = _token(checkpoint.pad_id)
        self.bos_token = _token(checkpoint.decoder_start_id)
        self.unk_token = _token(checkpoint.pad_id)  # never met: every id has its token

    def get_vocab(self) -> dict[str, int]:
        return {_token(token): token for token in range(self._size)}

    def convert_ids_to_tokens(self, token: int) -> str:
        return _token(token)


def _token(token: int) -> str:
    return f"t{token}"
