"""A tiny random Llama with its own tokenizer, and random merged adapters for it."""

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from composer.inference.base import load_base
from composer.merging.factors import MergedAdapter, Stack

TEMPLATE = "{prompt}\nAnswer:"
MAX_TOKENS = 128
_SENTENCES = (
    "Where would a person buy a fresh loaf of bread?",
    "The bakery on the corner sells bread and cakes every morning.",
    "Anna gave the red ball to her brother before school.",
    "Answer: yes. Answer: no. The film was a delight from start to end.",
)


def _tokenizer():
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_SENTENCES, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


def save_tiny_llama(folder, *, intermediate=96, seed=0):
    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=intermediate,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=MAX_TOKENS,
        initializer_range=0.15,  # wide enough that answers differ clearly
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return save_tiny_llama(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return load_base(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def tiny_nf4(tiny_folder):
    return load_base(tiny_folder, quantization="nf4", device="cpu")


def random_adapter(base, method, *, rank=4, seed=0, kinds=("q_proj", "v_proj", "down_proj"), layers=4, scale=0.15):
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
