"""A tiny random Llama of four layers, and random merged adapters for it."""

import pytest
import torch
from tiny_bank import save_tiny_llama

from composer.inference.base import load_base
from composer.merging.factors import MergedAdapter, Stack

MAX_TOKENS = 128
LAYERS = 4


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny-llama")
    save_tiny_llama(folder, layers=LAYERS, max_tokens=MAX_TOKENS)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return load_base(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def tiny_nf4(tiny_folder):
    return load_base(tiny_folder, quantization="nf4", device="cpu")


def random_adapter(base, method, *, rank=4, seed=0, kinds=("q_proj", "v_proj", "down_proj"), layers=LAYERS, scale=0.15):
    """Random factors for the named kinds of module in the first `layers` layers, one stack per kind."""
    generator = torch.Generator().manual_seed(seed)
    stacks = []
    for kind in kinds:
        modules = tuple(n for n in base.module_shapes if n.endswith(kind) and int(n.split(".")[2]) < layers)
        out_features, in_features = base.module_shapes[modules[0]]
        stacks.append(
            Stack(
                modules,
                a=torch.randn(len(modules), rank, in_features, generator=generator) * scale,
                b=torch.randn(len(modules), out_features, rank, generator=generator) * scale,
            )
        )
    return MergedAdapter(method, (("task", 1.0),), tuple(stacks))


@pytest.fixture(scope="session")
def four_merges(tiny):
    """Unequal ranks, unequal modules, and a stack that lacks a layer."""
    return (
        random_adapter(tiny, "linear", rank=4, seed=1),
        random_adapter(tiny, "cat", rank=11, seed=2, kinds=("q_proj", "o_proj", "up_proj")),
        random_adapter(tiny, "ties", rank=4, seed=3),
        random_adapter(tiny, "magnitude_prune", rank=4, seed=4, layers=3),
    )
