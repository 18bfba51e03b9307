"""A whole bank made of noise: a Llama of two layers, 22 random adapters, and the rows of rows.py with real vectors.

It knows nothing, and answers as definitely as a bank that does: what the tests claim holds whatever a model answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rows import INDEXED, ROWS, Row
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, write_examples
from composer.bank.manifest import Bank
from composer.retrieval.encoder import Encoder
from composer.retrieval.projection import MAP_FILE, write_map
from composer.tasks import HELD_OUT, TASKS, TRAINED
from composer.tasks.sampling import row_id
from composer.tasks.task import Example

TEMPLATE = "{prompt}\nAnswer:"
RANK = 4
MAX_TOKENS = 512
_SENTENCES = (
    "Where would a person buy a fresh loaf of bread?",
    "The bakery on the corner sells bread and cakes every morning.",
    "Anna gave the red ball to her brother before school.",
    "Answer: yes. Answer: no. The film was a delight from start to end.",
)


def write_tiny_bank(folder: Path, tasks: Sequence[str] = TRAINED, *, encoder: Encoder | None = None) -> Bank:
    """The bank with adapters and examples of those tasks, and with rows to ask of these and the held-out tasks."""
    encoder = encoder or Encoder()
    folder.mkdir(parents=True, exist_ok=True)
    shapes = linear_shapes(save_tiny_llama(folder / "base"))
    for task in tasks:
        save_random_adapter(folder / "adapters" / task, shapes, seed=list(TASKS).index(task))
    train = [example for task in tasks for example in examples_of(task, "train")]
    vectors = encoder.encode([example.text for example in train])
    write_examples(folder / "examples.parquet", table(train, vectors))
    write_map(folder, [example.row_id for example in train], vectors)
    asked = [example for task in (*tasks, *HELD_OUT) for example in examples_of(task, "test")]
    write_examples(folder / "evaluation.parquet", table(asked, None))
    return write_bank_toml(
        folder,
        title="Tiny",
        description="A bank of noise, for tests.",
        prompt_template=TEMPLATE,
        encoder_sha256=encoder.sha256,
        adapters={task: f"adapters/{task}" for task in tasks},
        evaluation="evaluation.parquet",
        files=(MAP_FILE,),
    )


def rows_of(task: str, split: str) -> tuple[Row, ...]:
    """Those to index (`train`), else those to ask."""
    cut = 0 if TASKS[task].held_out else INDEXED
    return ROWS[task][:cut] if split == "train" else ROWS[task][cut:]


def examples_of(task: str, split: str) -> list[Example]:
    rows = rows_of(task, split)
    return [TASKS[task].example(row, row_id(task, split, number)) for number, row in enumerate(rows)]


def table(examples: Sequence[Example], vectors: np.ndarray | None) -> Examples:
    return Examples(
        row_ids=tuple(e.row_id for e in examples),
        tasks=tuple(e.task for e in examples),
        hints=tuple(e.hint for e in examples),
        contexts=tuple(e.context for e in examples),
        questions=tuple(e.question for e in examples),
        options=tuple(e.options for e in examples),
        golds=tuple(e.gold for e in examples),
        texts=tuple(e.text for e in examples),
        vectors=None if vectors is None else vectors.astype(np.float16),
    )


def write_task_rows(folder: Path, tasks: Iterable[str], split: str = "train") -> Path:
    """The rows as a folder of JSON lines, as `--rows` and `--source` take it."""
    for task in tasks:
        (folder / task).mkdir(parents=True, exist_ok=True)
        (folder / task / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_of(task, split)))
    return folder


def tiny_tokenizer() -> PreTrainedTokenizerFast:
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


def save_tiny_llama(
    folder: Path,
    *,
    hidden: int = 64,
    intermediate: int = 96,
    layers: int = 2,
    max_tokens: int = MAX_TOKENS,
    seed: int = 0,
    tie_word_embeddings: bool = False,
) -> LlamaForCausalLM:
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=max_tokens,
        initializer_range=0.15,  # wide enough that answers differ clearly
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        tie_word_embeddings=tie_word_embeddings,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def linear_shapes(model: LlamaForCausalLM) -> dict[str, tuple[int, int]]:
    """Linear layer -> (out_features, in_features), of those that adapters update."""
    found = {name: module.weight.shape for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    return {name: (shape[0], shape[1]) for name, shape in found.items() if name != "lm_head"}


def save_random_adapter(
    folder: Path, shapes: Mapping[str, tuple[int, int]], *, rank: int = RANK, scale: float = 0.25, seed: int = 0
) -> Path:
    """In PEFT's format, on all seven projections; with this scale large enough to change a tiny model's answers."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, (out_features, in_features) in shapes.items():
        for factor, shape in (("lora_A", (rank, in_features)), ("lora_B", (out_features, rank))):
            tensors[f"base_model.model.{name}.{factor}.weight"] = torch.randn(shape, generator=generator) * scale
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "tiny/base",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": sorted({name.rpartition(".")[2] for name in shapes}),
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return folder
