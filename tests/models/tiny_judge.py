"""A judge with random weights over a tiny rewriter."""

from __future__ import annotations

from pathlib import Path

import torch

from models.acceptability import Judge
from models.networks.acceptability import AcceptabilityConfig, AcceptabilityNetwork
from models.training.acceptability import export
from tests.models.tiny_rewriter import tiny_network, tiny_tokenizer

CONFIG = AcceptabilityConfig(width=32, heads=4, inner=64, layers=1, lower_layers=1)


def tiny_judging_network(seed: int = 0) -> AcceptabilityNetwork:
    torch.manual_seed(seed)
    network = AcceptabilityNetwork(CONFIG)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def tiny_judge(seed: int = 0) -> Judge:
    return Judge(tiny_judging_network(seed), tiny_network(), tiny_tokenizer())


def save_tiny_judge(directory: Path, seed: int = 0) -> Path:
    export(tiny_judging_network(seed), directory)
    return directory
