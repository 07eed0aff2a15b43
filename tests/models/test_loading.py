from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from models import loading
from models.contract import Article, Summary, SummaryRequest
from models.errors import CorruptModel, IncompatibleModel, InputError, ModelError, ModelNotFound
from models.stages import Stage, listening
from tests.models.conftest import CheckpointOf
from tests.models.tiny_checkpoints import TEXT, save_checkpoint


@pytest.fixture
def copy(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint_of("bart").directory, tmp_path / "tiny-bart"))


@pytest.mark.parametrize(
    ("engine", "precision"),
    [("native", "int8"), ("ctranslate2", "int8"), ("transformers", "fp32")],
)
@pytest.mark.parametrize("architecture", ["bart", "t5"])
def test_every_engine_loads_and_summarises(
    checkpoint_of: CheckpointOf, cache_dir: Path, engine: str, precision: str, architecture: str
) -> None:
    directory = checkpoint_of(architecture).directory
    model = loading.load(directory, engine=engine, precision=precision, cache_dir=cache_dir)
    assert (model.info.engine, model.info.precision) == (engine, precision)
    assert "it was asked for" in model.info.choice
    result = model.summarise([SummaryRequest(Article(TEXT, language="en"))])[0]
    assert isinstance(result, Summary)
    assert result.model == model.info


def test_a_checkpoint_tells_its_stages(checkpoint_of: CheckpointOf, cache_dir: Path) -> None:
    model = loading.load(checkpoint_of("bart").directory, engine="native", cache_dir=cache_dir)
    heard: list[Stage] = []
    with listening(heard.append):
        model.summarise([SummaryRequest(Article(TEXT, language="en"))])
    assert {one.name for one in heard} == {"tokenise", "encode", "decode", "verify"}


def test_the_choice_is_explained(checkpoint_of: CheckpointOf) -> None:
    info = loading.load(checkpoint_of("pegasus").directory, device="cpu").info
    assert info.engine == "native"
    assert f"native in {info.precision} on cpu" in info.choice
    assert re.search(r"int8 \d+\.\d ms", info.choice)
    assert "CTranslate2" in info.choice
    assert info.name == "pegasus"
    assert info.max_input_tokens == 128


def test_an_architecture_that_only_transformers_runs_goes_there(tmp_path: Path) -> None:
    from transformers import LEDConfig, LEDForConditionalGeneration

    from tests.models.tiny_checkpoints import byte_level_tokenizer

    config = LEDConfig(
        vocab_size=320, d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_encoder_position_embeddings=256,
        max_decoder_position_embeddings=64, attention_window=16,
    )  # fmt: skip
    LEDForConditionalGeneration(config).save_pretrained(tmp_path)
    byte_level_tokenizer().save_pretrained(tmp_path)
    model = loading.load(tmp_path, device="cpu")
    assert (model.info.engine, model.info.precision) == ("transformers", "fp32")
    assert model.info.max_input_tokens == 256
    assert isinstance(model.summarise([SummaryRequest(Article(TEXT, language="en"))])[0], Summary)


def test_baselines_are_named_by_their_length() -> None:
    assert loading.load("lead-3").info.name == "lead-3"
    with pytest.raises(InputError, match="lead-99"):
        loading.load("lead-99")


def test_what_is_available_can_be_loaded() -> None:
    for info in loading.available():
        assert loading.load(info.name).info.revision == info.revision


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-such-model", "neither a shipped model"),
        ("./no/such/directory", "neither a shipped model"),
        ("some-org/some-model", "the hub is asked only with --allow-download"),
        ("", "neither a shipped model"),
    ],
)
def test_unknown_models_are_not_found(name: str, words: str) -> None:
    with pytest.raises(ModelNotFound, match=words):
        loading.load(name)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"engine": "vllm"}, "engine"),
        ({"precision": "int4"}, "precision"),
        ({"device": "tpu"}, "device"),
    ],
)
def test_unknown_wishes_name_the_field_and_what_is_known(
    copy: Path, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError, match="must be one of auto") as caught:
        loading.load(copy, **wrong)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("engine", "precision"), [("ctranslate2", "bf16"), ("transformers", "int8"), ("native", "fp16")]
)
def test_an_engine_says_which_precision_it_does_not_run(
    copy: Path, engine: str, precision: str, cache_dir: Path
) -> None:
    with pytest.raises(IncompatibleModel, match=precision):
        loading.load(copy, engine=engine, precision=precision, cache_dir=cache_dir)


def refused(directory: Path, error: type[ModelError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        loading.load(directory, device="cpu")
    assert "\n" not in caught.value.message


def test_a_weight_that_is_missing(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights.pop("model.decoder.layers.1.fc1.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy, CorruptModel, "lacks 1 weights, model.decoder.layers.1.fc1.weight")


def test_a_weight_of_the_wrong_shape(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["model.decoder.layers.1.fc1.weight"] = weights["model.decoder.layers.1.fc1.weight"][
        1:
    ].clone()
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy, CorruptModel, "cannot be loaded")


def test_a_tokenizer_that_cannot_be_read(copy: Path) -> None:
    (copy / "tokenizer.json").write_text("{}")
    refused(copy, CorruptModel, "tokenizer of .* cannot be read")


def test_a_tokenizer_of_another_model(copy: Path) -> None:
    path = copy / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][0], "id": 5000, "content": "<x>"})
    tokenizer["model"]["vocab"]["<x>"] = 5000
    path.write_text(json.dumps(tokenizer))
    refused(copy, IncompatibleModel, "more tokens than the network")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("d_model", "x"),
        ("d_model", [1, 2]),
        ("d_model", -1),
        ("decoder_layers", -1),
        ("max_position_embeddings", {}),
        ("task_specific_params", {"langid_map": {"english": 5}}),
        ("task_specific_params", ["summarization"]),
    ],
)
def test_a_configuration_that_makes_no_network(copy: Path, key: str, value: object) -> None:
    path = copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    refused(copy, CorruptModel, "tiny-bart can")


@pytest.mark.parametrize("heads", ["encoder_attention_heads", "decoder_attention_heads"])
def test_heads_of_two_widths_run_where_they_can(
    tmp_path: Path, cache_dir: Path, heads: str
) -> None:
    directory = save_checkpoint(tmp_path / "tiny-bart", "bart", **{heads: 2})
    model = loading.load(directory, device="cpu", cache_dir=cache_dir)
    assert model.info.engine == "transformers"
    assert isinstance(model.summarise([SummaryRequest(Article(TEXT, language="en"))])[0], Summary)
    for precision in ("int8", "fp32"):
        with pytest.raises(IncompatibleModel, match="heads of one width") as caught:
            loading.load(directory, engine="native", precision=precision, cache_dir=cache_dir)
        assert caught.value.field == "engine"


def test_weights_with_a_header_that_is_no_table(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"[]")
    refused(copy, CorruptModel, "tiny-bart")


def test_conversion_happens_once_and_leaves_nothing_half_done(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    directory = checkpoint_of("pegasus").directory
    loading.load(directory, engine="ctranslate2", cache_dir=tmp_path)
    converted = list(tmp_path.iterdir())
    assert len(converted) == 1
    stamp = (converted[0] / "model.bin").stat().st_mtime_ns
    loading.load(directory, engine="ctranslate2", cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == converted
    assert (converted[0] / "model.bin").stat().st_mtime_ns == stamp


def test_cuda_that_is_not_there_is_refused(copy: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(InputError, match="no CUDA device"):
        loading.load(copy, device="cuda")


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_cuda_graphs_want_a_cuda_device(copy: Path, device: str) -> None:
    import torch

    if device == "auto" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(IncompatibleModel, match="runs on a CUDA device") as caught:
        loading.load(copy, device=device, engine="cuda-graphs")
    assert caught.value.field == "engine"


def test_threads_that_wait_sleep_from_the_first_load_on() -> None:
    """In a process of its own: torch must not be there before the variable is."""
    script = (
        "import os, sys; from models import loading; assert 'torch' not in sys.modules;"
        "loading.load('lead-3'); print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    for given, expected in (({}, "PASSIVE False"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE False")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, **given},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


def test_loading_writes_nothing_where_nobody_watches(
    checkpoint_of: CheckpointOf, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = checkpoint_of("bart").directory
    capfd.readouterr()
    for engine in ("native", "transformers"):
        loading.load(directory, device="cpu", engine=engine)
    assert capfd.readouterr() == ("", "")


def test_a_network_that_is_built_and_cannot_write(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    from tests.models.tiny_checkpoints import byte_level_tokenizer

    config = AutoConfig.for_model(
        "switch_transformers", vocab_size=320, d_model=32, d_kv=8, d_ff=64, num_layers=1,
        num_heads=4, num_experts=2, num_decoder_layers=3, num_sparse_encoder_layers=1,
        num_sparse_decoder_layers=1, decoder_start_token_id=1, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    AutoModelForSeq2SeqLM.from_config(config).save_pretrained(tmp_path)
    byte_level_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(IncompatibleModel, match=r"transformers cannot run this network \(\w+\)"):
        loading.load(tmp_path, device="cpu")
