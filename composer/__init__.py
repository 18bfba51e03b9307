"""Adapter Composer: which LoRA adapters a question calls for, and what each way of merging them answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from composer.config import MergeSettings, RetrievalSettings, ScoreSettings, Settings
from composer.errors import ComposerError
from composer.types import Query, Trace

if TYPE_CHECKING:
    from composer.pipeline import Composer

# On CPUs that multiply bf16 bitsandbytes warns, when it is imported, that the package `kernels` is not there to fetch
# code from the Hub, which is how it should be. peft and transformers import it too, so this must come before them.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

__version__ = "0.1.0"
__all__ = [
    "Composer",
    "ComposerError",
    "MergeSettings",
    "Query",
    "RetrievalSettings",
    "ScoreSettings",
    "Settings",
    "Trace",
    "__version__",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    # torch takes seconds to import; a usage error of the command line should not wait for it
    if name == "Composer":
        from composer.pipeline import Composer

        return Composer
    raise AttributeError(f"module 'composer' has no attribute {name!r}")
