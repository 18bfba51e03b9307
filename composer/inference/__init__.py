"""The base model and the batched scoring of options under many merges at once.

Importing it sets USE_HUB_KERNELS=NO unless it is set already: transformers reads it from the environment only, and
would otherwise fetch kernels from the Hub wherever the package `kernels` is installed.
"""

import os

os.environ.setdefault("USE_HUB_KERNELS", "NO")
