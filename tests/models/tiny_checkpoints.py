"""Tiny random checkpoints of the real architectures, with tokenizers trained here: no download."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    MBartConfig,
    MT5Config,
    PegasusConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    T5Config,
    T5Tokenizer,
)

VOCABULARY = 320

TEXT = """
The city council of Springfield voted 7-2 on Tuesday to close the old bridge over Mill Creek.
Engineers found cracks in three of its twelve steel beams during an inspection in March.
Mayor Ellen Ortiz said that repairs would cost $4.2 million and take until the spring of 2027.
"We cannot wait for the state," she said, "because people cross this bridge every day."
About 9,000 vehicles use the bridge on a weekday, according to the transport department.
Shop owners on Main Street fear that the detour of six miles will keep their customers away.
Tom Becker, who runs a bakery near the bridge, said sales fell by a third in the last closure.
The council promised a shuttle bus, free parking and a weekly report on the progress of the work.
Two members voted against the plan and asked for a second opinion from an outside engineer.
A public hearing will be held on June 14 in the library, the council said in a statement.
""".strip()


def tiny_network(architecture: str, *, seed: int = 0, **changes: Any) -> Any:
    """A random network whose outputs vary: larger initial weights than training would use."""
    torch.manual_seed(seed)
    network = AutoModelForSeq2SeqLM.from_config(tiny_config(architecture, **changes))
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() > 1:
                weight.normal_(0.0, 1.0 if "embed" in name or name == "shared.weight" else 0.3)
            elif name.endswith("bias"):
                weight.normal_(0.0, 0.1)
        network.get_input_embeddings().weight[network.config.eos_token_id] *= 2.0  # some end early
    network.tie_weights()
    network.generation_config.forced_bos_token_id = 0 if architecture == "bart" else None
    return network.eval()


def tiny_config(architecture: str, **changes: Any) -> PreTrainedConfig:
    """Two layers of width 32; ids as the published checkpoints of the family have them."""
    wide: dict[str, Any] = {"vocab_size": VOCABULARY, "d_model": 32}
    layered = wide | {
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "max_position_embeddings": 128,
        "dropout": 0.0,
    }
    stacked = wide | {"d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0}
    if architecture == "bart":
        return BartConfig(**(layered | changes))
    if architecture == "mbart":
        return MBartConfig(**(layered | {"decoder_start_token_id": 2} | changes))
    if architecture == "pegasus":
        base = {"pad_token_id": 0, "eos_token_id": 1, "scale_embedding": True}
        return PegasusConfig(**(layered | base | {"activation_function": "relu"} | changes))
    if architecture == "t5":
        return T5Config(**(stacked | {"decoder_start_token_id": 0, "n_positions": 128} | changes))
    if architecture == "mt5":
        return MT5Config(**(stacked | {"decoder_start_token_id": 0} | changes))
    raise ValueError(architecture)


def save_checkpoint(directory: Path, architecture: str, *, seed: int = 0, **changes: Any) -> Path:
    """A whole checkpoint directory: configuration, safetensors, tokenizer."""
    tiny_network(architecture, seed=seed, **changes).save_pretrained(directory)
    if architecture in {"bart", "mbart"}:
        byte_level_tokenizer().save_pretrained(directory)
    else:
        sentencepiece_tokenizer(directory).save_pretrained(directory)
    return directory


def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def sentencepiece_tokenizer(directory: Path) -> T5Tokenizer:
    """A unigram model with T5's ids: pad 0, end 1, unknown 2."""
    directory.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.splitlines()),
        model_writer=model,
        vocab_size=140,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        minloglevel=2,
    )
    path = directory / "spiece.model"
    path.write_bytes(model.getvalue())
    tokenizer: T5Tokenizer = T5Tokenizer.from_pretrained(directory, extra_ids=10)
    return tokenizer
