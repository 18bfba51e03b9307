"""LoGo (arXiv 2511.07129): what an adapter would add to the question's last token says how much it counts.

An adapter's score is the norm of s B A h, with h what the query projection of the last block reads at the last token of
the prompt. Norm and 20 adapters are the defaults of the authors' code; its other score, one over the entropy of the
vector's softmax, is not offered. Two things differ: there, all adapters are on while h is found, here none is, so that
the order and number of adapters change no score; and there, h is taken before the block's norm layer, here after it,
where the projection reads it.
"""

from __future__ import annotations

import numpy as np

from composer.routing.evidence import Choice, Evidence

MOST = 20


def choose(evidence: Evidence) -> Choice:
    """The adapters that add most, weighted by how much; those that add nothing are left out, so it may be empty.

    Raises SettingsError where the model cannot be looked at.
    """
    norms = {task: float(np.linalg.norm(added)) for task, added in evidence.looked().items()}
    best = sorted((item for item in norms.items() if item[1] > 0), key=lambda item: (-item[1], item[0]))[:MOST]
    total = sum(norm for _, norm in best)
    return tuple((task, norm / total) for task, norm in best)
