from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.checkpoints import Checkpoint, read_checkpoint
from models.errors import CorruptModel, IncompatibleModel, ModelError, ModelNotFound
from tests.models.conftest import CheckpointOf


@pytest.fixture
def copy(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    """A BART checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint_of("bart").directory, tmp_path / "copy"))


def edit(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value != "drop"}))


def test_what_the_files_declare(checkpoint_of: CheckpointOf) -> None:
    bart, pegasus, t5 = (checkpoint_of(name) for name in ("bart", "pegasus", "t5"))
    assert (bart.decoder_start_id, bart.eos_id, bart.pad_id, bart.forced_bos_id) == (2, 2, 1, 0)
    assert (bart.window, bart.max_new_tokens) == (128, 127)
    assert (pegasus.decoder_start_id, pegasus.eos_id, pegasus.pad_id) == (0, 1, 0)
    assert (t5.window, t5.max_new_tokens, t5.prefix) == (128, None, "summarize: ")
    assert bart.prefix == pegasus.prefix == ""
    assert bart.parameters > 50_000
    assert bart.size_bytes == (bart.directory / "model.safetensors").stat().st_size


def test_the_window_is_no_longer_than_the_tokenizer_says(copy: Path) -> None:
    path = copy / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 64}))
    assert read_checkpoint(copy).window == 64


def test_settings_and_prefix_come_from_the_summarization_task(copy: Path) -> None:
    task = {"num_beams": 4, "length_penalty": 2.0, "max_length": 142, "prefix": "tl;dr "}
    edit(copy, task_specific_params={"summarization": task})
    checkpoint = read_checkpoint(copy)
    assert checkpoint.prefix == "tl;dr "
    assert (checkpoint.settings.beams, checkpoint.settings.max_new_tokens) == (4, 141)


def test_languages_come_from_the_card(copy: Path) -> None:
    (copy / "README.md").write_text("---\nlanguage:\n- en\n- fr-CA\n---\nA model.\n")
    assert read_checkpoint(copy).languages == ("en", "fr")


def test_a_card_that_is_no_yaml_keeps_no_model_away(copy: Path) -> None:
    (copy / "README.md").write_text("---\nlanguage: [en\n---\n")
    assert read_checkpoint(copy).languages == ()


def test_the_revision_changes_with_weights_and_configuration(copy: Path) -> None:
    before = read_checkpoint(copy).revision
    edit(copy, scale_embedding=True)
    changed = read_checkpoint(copy).revision
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert len({before, changed, read_checkpoint(copy).revision}) == 3


@pytest.mark.parametrize("name", ["merges.txt", "vocab.txt", "source.spm"])
def test_the_revision_changes_with_the_vocabulary(copy: Path, name: str) -> None:
    found = set()
    for content in ("a b", "b a"):
        (copy / name).write_text(content)
        found.add(read_checkpoint(copy).revision)
    assert len(found) == 2


@pytest.mark.parametrize("token", [-1, 320])
@pytest.mark.parametrize("key", ["decoder_start_token_id", "eos_token_id", "forced_eos_token_id"])
def test_a_token_outside_of_the_vocabulary(copy: Path, key: str, token: int) -> None:
    (copy / "generation_config.json").unlink(missing_ok=True)
    edit(copy, **{key: token})
    refused(copy, CorruptModel, f"names token {token}, but its vocabulary has 320")


def test_a_start_token_of_null_is_an_absent_one(copy: Path) -> None:
    edit(copy, decoder_start_token_id=None, bos_token_id=7)
    generation = copy / "generation_config.json"
    generation.unlink(missing_ok=True)
    assert read_checkpoint(copy).decoder_start_id == 7


def refused(directory: Path, error: type[ModelError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_checkpoint(directory)
    assert "\n" not in caught.value.message
    assert caught.value.message.endswith(".")


def test_no_directory_and_no_configuration(copy: Path) -> None:
    refused(copy / "absent", ModelNotFound, "no model directory")
    (copy / "config.json").unlink()
    refused(copy, ModelNotFound, "no config.json")


def test_a_decoder_only_model(copy: Path) -> None:
    edit(copy, model_type="llama")
    refused(copy, IncompatibleModel, "'llama', not a text-to-text encoder-decoder")


def test_no_model_type(copy: Path) -> None:
    edit(copy, model_type="drop")
    refused(copy, IncompatibleModel, "names no model_type")


def test_pickled_weights_only(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    refused(copy, IncompatibleModel, "only pickled weights")


def test_no_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    refused(copy, CorruptModel, "holds no model.safetensors")


def test_truncated_weights(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(copy, CorruptModel, "is damaged")


def test_weights_that_are_something_else(copy: Path) -> None:
    (copy / "model.safetensors").write_text("<html>sign in</html>")
    refused(copy, CorruptModel, "is damaged")


def test_a_missing_shard(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(copy, CorruptModel, "is missing")


def test_a_shard_outside_the_directory(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    index = {"weight_map": {"a": "../../secret.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(copy, CorruptModel, "does not list the weight files")


def test_no_tokenizer(copy: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    refused(copy, IncompatibleModel, "holds no tokenizer")


def test_configuration_that_is_no_json(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    refused(copy, CorruptModel, "cannot be read as JSON")


def test_checkpoint_is_named_after_its_directory(copy: Path) -> None:
    checkpoint: Checkpoint = read_checkpoint(copy)
    assert checkpoint.name == "copy"


def test_prophetnet_writes_no_further_than_its_positions(copy: Path) -> None:
    edit(copy, model_type="prophetnet", hidden_size=32)
    assert read_checkpoint(copy).max_new_tokens == 126
