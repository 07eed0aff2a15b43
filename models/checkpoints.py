"""A seq2seq checkpoint on disk: what its files declare, read before any weight is loaded."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.errors import CorruptModel, IncompatibleModel, ModelNotFound
from models.generation import GenerationSettings, declared_settings

# Encoder-decoders that write text from text; others (speech, vision) are refused by name.
ARCHITECTURES: Final = frozenset(
    "bart bigbird_pegasus blenderbot blenderbot-small led longt5 m2m_100 marian mbart mt5 mvp "
    "pegasus pegasus_x plbart prophetnet switch_transformers t5 umt5".split()
)
# Relative positions have no bound of their own; this is what such checkpoints were trained on.
_RELATIVE_WINDOW: Final = 512
_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "vocab.json",
    "prophetnet.tokenizer",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An encoder-decoder checkpoint directory.

    `window` is the encoder's bound in tokens, the end token included (None:
    unbounded); `max_new_tokens` the decoder's (None: unbounded). `settings`
    are the checkpoint's own generation defaults. `start_tokens` maps a
    language to the decoder start token that asks for it, where the
    configuration lists such tokens. `uniform_heads`: the heads of encoder and
    decoder are of one width.
    """

    directory: Path
    architecture: str
    revision: str
    window: int | None
    max_new_tokens: int | None
    vocabulary_size: int
    width: int
    decoder_start_id: int
    eos_id: int
    pad_id: int
    forced_bos_id: int | None
    forced_eos_id: int | None
    prefix: str
    settings: GenerationSettings
    languages: tuple[str, ...]
    start_tokens: Mapping[str, str]
    parameters: int
    size_bytes: int
    uniform_heads: bool = True

    @property
    def name(self) -> str:
        return self.directory.name


def read_checkpoint(directory: Path) -> Checkpoint:
    """Read and check the JSON files and safetensors headers of `directory`.

    Raises ModelNotFound (no such directory, no config.json), CorruptModel
    (unreadable JSON, damaged or missing weight file) and IncompatibleModel
    (not an encoder-decoder, only pickled weights, no tokenizer).
    """
    if not directory.is_dir():
        raise ModelNotFound(f"There is no model directory {directory}.", field="model")
    if not (directory / "config.json").is_file():
        raise ModelNotFound(f"{directory} holds no config.json, so no model.", field="model")
    config = _read_json(directory / "config.json")
    architecture = _architecture(config, directory)
    generation = _read_json(directory / "generation_config.json", optional=True)
    task = config.get("task_specific_params") or {}
    summarization = task.get("summarization") or {}
    weights = _weight_files(directory)
    if not any((directory / name).is_file() for name in _TOKENIZER_FILES):
        raise IncompatibleModel(f"{directory} holds no tokenizer.", field="model")
    ids = {**config, **{key: value for key, value in generation.items() if value is not None}}
    relative = architecture in {"t5", "mt5", "umt5", "longt5", "switch_transformers"}
    start = ids.get("decoder_start_token_id")
    eos = ids.get("eos_token_id")
    pad = ids.get("pad_token_id")
    if start is None:  # absent, or written down as null
        start = pad if relative else ids.get("bos_token_id")
    if start is None or eos is None or pad is None:
        raise IncompatibleModel(
            f"{directory}: config.json names no decoder start, end or padding token.",
            field="model",
        )
    forced_bos, forced_eos = ids.get("forced_bos_token_id"), ids.get("forced_eos_token_id")
    vocabulary_size = int(config["vocab_size"])
    named = (start, _first(eos), pad, forced_bos, _first_or_none(forced_eos))
    _check_tokens(directory, vocabulary_size, named)
    decoder_positions = config.get("max_decoder_position_embeddings")
    positions = None if relative else decoder_positions or _positions(config, relative)
    return Checkpoint(
        directory=directory,
        architecture=architecture,
        revision=_digest(directory, weights),
        window=_window(directory, config, relative),
        max_new_tokens=_most_new_tokens(architecture, positions),
        vocabulary_size=vocabulary_size,
        width=int(config.get("d_model") or config.get("hidden_size") or 0),
        decoder_start_id=int(start),
        eos_id=_first(eos),
        pad_id=int(pad),
        forced_bos_id=forced_bos,
        forced_eos_id=_first_or_none(forced_eos),
        prefix=_prefix(architecture, summarization),
        settings=declared_settings(config, generation, summarization),
        languages=_card_languages(directory),
        start_tokens=_start_tokens(task),
        parameters=sum(_parameters(file) for file in weights),
        size_bytes=sum(file.stat().st_size for file in weights),
        uniform_heads=relative
        or config.get("encoder_attention_heads") == config.get("decoder_attention_heads"),
    )


def _check_tokens(directory: Path, size: int, named: tuple[int | None, ...]) -> None:
    for token in named:
        if token is not None and not 0 <= int(token) < size:
            raise CorruptModel(
                f"{directory}: config.json names token {token}, but its vocabulary has {size}.",
                field="model",
            )


def _read_json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if optional and not path.is_file():
        return {}
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptModel(f"{path} cannot be read as JSON.", field="model") from error
    if not isinstance(loaded, dict):
        raise CorruptModel(f"{path} is not a JSON object.", field="model")
    return loaded


def _architecture(config: dict[str, Any], directory: Path) -> str:
    architecture = str(config.get("model_type", ""))
    if not architecture:
        raise IncompatibleModel(f"{directory}: config.json names no model_type.", field="model")
    if architecture not in ARCHITECTURES:
        raise IncompatibleModel(
            f"{directory} is of type {architecture!r}, not a text-to-text encoder-decoder "
            "such as BART, PEGASUS, T5, mBART or mT5.",
            field="model",
        )
    if not isinstance(config.get("vocab_size"), int):
        raise CorruptModel(f"{directory}: config.json names no vocab_size.", field="model")
    return architecture


def _weight_files(directory: Path) -> list[Path]:
    index = directory / "model.safetensors.index.json"
    single = directory / "model.safetensors"
    if single.is_file():
        return [single]
    if index.is_file():
        names = set(_read_json(index).get("weight_map", {}).values())
        if not names or any(Path(name).name != name for name in names):
            raise CorruptModel(f"{index} does not list the weight files.", field="model")
        files = [directory / name for name in sorted(names)]
        for file in files:
            if not file.is_file():
                raise CorruptModel(f"{file} is missing.", field="model")
        return files
    if any(directory.glob("*.bin")) or any(directory.glob("*.pt")):
        raise IncompatibleModel(
            f"{directory} holds only pickled weights, which can run code when read: "
            "convert them to model.safetensors.",
            field="model",
        )
    raise CorruptModel(f"{directory} holds no model.safetensors.", field="model")


def _parameters(file: Path) -> int:
    """Count the parameters from the header, and check that the file is as long as it says."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > file.stat().st_size:
                raise ValueError("header longer than the file")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if 8 + length + end != file.stat().st_size:
            raise ValueError("size does not match the header")
        return sum(math.prod(tensor["shape"]) for tensor in header.values())
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise CorruptModel(
            f"{file} is damaged: its size or header is not that of a safetensors file.",
            field="model",
        ) from error


def _digest(directory: Path, weights: list[Path]) -> str:
    """First 16 hex digits of a SHA-256 over the configuration files and the weights."""
    digest = hashlib.sha256()
    patterns = ("*.json", "*.model", "*.txt", "*.spm")  # vocabularies and merges among them
    configs = [path for pattern in patterns for path in sorted(directory.glob(pattern))]
    for file in [path for path in configs if not path.name.endswith("index.json")] + weights:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()[:16]


def _positions(config: dict[str, Any], relative: bool) -> int | None:
    if relative:
        return None
    found = config.get("max_encoder_position_embeddings") or config.get("max_position_embeddings")
    return int(found) if found else None


def _window(directory: Path, config: dict[str, Any], relative: bool) -> int | None:
    bound = _positions(config, relative)
    if relative:
        bound = int(config.get("n_positions") or _RELATIVE_WINDOW)
    declared = _read_json(directory / "tokenizer_config.json", optional=True)
    length = declared.get("model_max_length")
    if isinstance(length, int | float) and 0 < length < 1_000_000:  # else: a "no limit" constant
        bound = int(length) if bound is None else min(bound, int(length))
    return bound


def _most_new_tokens(architecture: str, positions: int | None) -> int | None:
    """The start token takes a position, and in ProphetNet the padding takes the first one."""
    if not positions:
        return None
    return int(positions) - (2 if architecture == "prophetnet" else 1)


def _prefix(architecture: str, summarization: dict[str, Any]) -> str:
    declared = summarization.get("prefix")
    if isinstance(declared, str):
        return declared
    return "summarize: " if architecture == "t5" else ""


def _start_tokens(task: dict[str, Any]) -> dict[str, str]:
    """Decoder start tokens by language, as mT5 CrossSum checkpoints list them (`langid_map`)."""
    table = task.get("langid_map") or {}
    return {str(language): str(entry[1]) for language, entry in table.items()}


def _card_languages(directory: Path) -> tuple[str, ...]:
    """Languages that the model card declares in its front matter; empty when it does not."""
    card = directory / "README.md"
    if not card.is_file():
        return ()
    from huggingface_hub.repocard import metadata_load

    try:
        declared = (metadata_load(card) or {}).get("language") or []
    except Exception:  # a card is documentation: a malformed one must not keep a model away
        return ()
    listed = [declared] if isinstance(declared, str) else declared
    tags = {str(tag).split("-")[0].lower() for tag in listed}
    return tuple(sorted(tag for tag in tags if len(tag) in (2, 3) and tag.isalpha()))


def _first(value: int | list[int]) -> int:
    return int(value[0]) if isinstance(value, list) else int(value)


def _first_or_none(value: int | list[int] | None) -> int | None:
    return None if value is None else _first(value)
