"""Rewrites sentences: one tight, self-standing sentence from a sentence in its context.

All sentences of a batch are encoded together and decoded together; what is
copied is put out as the source's own substring.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from torch.overrides import TorchFunctionMode

from models.copying import Piece, join
from models.decoding import Decoded, decode
from models.errors import CorruptModel, ModelNotFound
from models.greedy import decode_greedily
from models.networks.rewriter import RewriterConfig, RewriterNetwork, Source
from models.rewriter_input import Features, Featuriser, RewriteInput, calls_for_context, collate
from models.stages import stage

__all__ = ["Hypothesis", "RewriteInput", "Rewriter"]

WEIGHTS: Final = "rewriter.safetensors"
CONFIG: Final = "rewriter.json"
TOKENIZER: Final = "tokenizer.json"


# Sources are padded to whole vectors, so that sums over them come out the same in every batch.
PADDING: Final = 16


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to say it, with what the network thinks of it.

    Log-probabilities are natural and cover the actions and the end;
    `copied_share` is the share of words copied. `keys` are the words and marks
    that were put out, case-folded, and `places` where in the words of the
    sentence (`copying.find_words`) each was copied from: None if it was written
    or came from the context.
    """

    text: str
    log_probability: float
    mean_log_probability: float
    min_log_probability: float
    copied_share: float
    keys: tuple[str, ...] = ()
    places: tuple[int | None, ...] = ()


class Rewriter:
    """The rewriter with its weights."""

    def __init__(
        self,
        network: RewriterNetwork,
        featuriser: Featuriser,
        written: Sequence[str],
        device: str = "cpu",
        *,
        bfloat16: bool = False,
    ) -> None:
        self.network = network.eval().to(device)
        self.device = device
        self._featuriser = featuriser
        self._bfloat16 = bfloat16
        self._parameters = sum(parameter.numel() for parameter in network.parameters())
        self._written = ("", *written)
        self._common = frozenset(written)

    @classmethod
    def load(
        cls, directory: Path, *, device: str = "cpu", bfloat16: bool | None = None
    ) -> Rewriter:
        """Load weights; `bfloat16` None means: where this machine computes faster in it.

        Raises ModelNotFound if a file is missing, CorruptModel if one cannot be read.
        """
        if bfloat16 is None:
            bfloat16 = device == "cpu" and has_fast_bfloat16()
        for name in (WEIGHTS, CONFIG, TOKENIZER):
            if not (directory / name).is_file():
                raise ModelNotFound(f"The rewriter's directory has no {name}.")
        try:
            config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
            with torch.device("meta"), _Uninitialised():
                network = RewriterNetwork(RewriterConfig(**config["network"]))
            network.load_state_dict(load_file(directory / WEIGHTS), assign=True)
            featuriser = Featuriser.load(directory / TOKENIZER)
        except Exception as error:
            raise CorruptModel(f"The rewriter's files cannot be read: {error}") from error
        rewriter = cls(network, featuriser, config["written"], device, bfloat16=bfloat16)
        network.settle(torch.bfloat16 if bfloat16 else torch.float32)
        return rewriter

    @property
    def parameters(self) -> int:
        return self._parameters

    @property
    def tokenizer(self) -> Tokenizer:
        """Set to neither pad nor cut off."""
        return self._featuriser.tokenizer

    @property
    def precision(self) -> str:
        """The number format that the network computes in."""
        return "bf16" if self._bfloat16 else "fp32"

    @torch.inference_mode()
    def rewrite(
        self, inputs: Sequence[RewriteInput], beams: int = 1, batch_size: int = 40
    ) -> list[list[Hypothesis]]:
        """For each input up to `beams` hypotheses, best first; none for one without words."""
        with stage("tokenise"):
            features = self._featuriser.features([_with_needed_context(one) for one in inputs])
        usable = [index for index, found in enumerate(features) if _copyable(found)]
        # Alike lengths together: less padding.
        usable.sort(key=lambda index: len(features[index].pieces))
        results: list[list[Hypothesis]] = [[] for _ in inputs]
        for begin in range(0, len(usable), batch_size):
            chosen = usable[begin : begin + batch_size]
            source = self.on_device(
                collate([features[index] for index in chosen], multiple=PADDING)
            )
            limits = [limit_of(features[index]) for index in chosen]
            for index, found in zip(chosen, self._decode(source, limits, beams), strict=True):
                results[index] = [
                    self._render(features[index], one, inputs[index].task) for one in found
                ]
        return results

    def _decode(self, source: Source, limits: list[int], beams: int) -> list[list[Decoded]]:
        if beams > 1:
            return decode(self.network, source, limits, beams)
        return [[one] for one in decode_greedily(self.network, self.network.encode(source), limits)]

    def on_device(self, source: Source) -> Source:
        """The source where the network is."""
        if self.device == "cpu":
            return source
        return Source(*(getattr(source, name).to(self.device) for name in source.__slots__))

    def _render(self, found: Features, decoded: Decoded, task: str) -> Hypothesis:
        size = len(self._written)
        pieces = [
            self._copied(found, action - size) if action >= size else Piece(self._written[action])
            for action in decoded.actions
        ]
        scores = decoded.log_probabilities
        copied = sum(action >= size for action in decoded.actions)
        keys, places = self._traced(found, decoded)
        return Hypothesis(
            join(pieces, terminate=task != "headline"),
            sum(scores),
            sum(scores) / len(scores),
            min(scores),
            copied / max(1, len(decoded.actions)),
            keys,
            places,
        )

    def _traced(
        self, found: Features, decoded: Decoded
    ) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
        size, first = len(self._written), found.start + 1
        keys: list[str] = []
        places: list[int | None] = []
        for action in decoded.actions:
            word = found.words[action - size] if action >= size else None
            keys.append(self._written[action] if word is None else word.key)
            inside = action >= size and action - size >= first
            places.append(action - size - first if inside else None)
        return tuple(keys), tuple(places)

    def _copied(self, found: Features, slot: int) -> Piece:
        word = found.words[slot]
        assert word is not None
        text = found.texts[found.word_parts[slot]]
        piece = Piece.of(word, slot, text)
        first = word.start == 0 or text[: word.start].strip("\"'“‘([ ") == ""
        # A common word is a capital's bearer only for standing first in its sentence.
        if first and word.key in self._common and _may_lose_its_capital(word.text):
            return replace(piece, text=word.text.lower())
        return piece


class _Uninitialised(TorchFunctionMode):
    """Leaves new parameters as they are: the checkpoint's take their place.

    Filling tensors on the meta device would import torch's compiler, a second of start-up.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices itself (AVX512-BF16 or AMX)."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _has_flag("avx512_bf16")


def _has_flag(flag: str) -> bool:
    try:
        return flag in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def _may_lose_its_capital(word: str) -> bool:
    """Whether only the first letter can be a capital; "I" keeps its own."""
    return word[1:].islower() or (len(word) == 1 and word != "I")


def _with_needed_context(item: RewriteInput) -> RewriteInput:
    """A sentence that stands alone is read alone: shorter sources are rewritten faster."""
    if item.task == "headline" or calls_for_context(item.sentence):
        return item
    return replace(item, previous="", lead="")


def _copyable(found: Features) -> bool:
    return any(word is not None and not word.is_mark for word in found.words[found.start :])


def limit_of(found: Features) -> int:
    """The most actions that a rewrite may take: never much longer than its sentence."""
    return min(63, 4 + sum(word is not None for word in found.words[found.start :]))
