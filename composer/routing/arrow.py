"""Arrow (arXiv 2405.11157): every token goes to the adapters whose updates stretch its direction most.

An adapter's score for a token x in a module is |x . v|, v the top right singular vector of the module's B A; a softmax
over the best of them weighs the updates. The defaults are those of PEFT's ArrowConfig: top_k 3, router_temperature 1.
PEFT finds v by 15 steps of power iteration from a random start, here it comes out of an exact decomposition; the two
part where the first two singular values are close. General knowledge subtraction (PEFT's use_gks) is not done.
"""

from __future__ import annotations

from composer.routing.evidence import Evidence
from composer.routing.strategy import Gate

TOP_K = 3
TEMPERATURE = 1.0


def choose(evidence: Evidence) -> Gate:
    return Gate("arrow", tuple(sorted(evidence.tasks)), TOP_K, TEMPERATURE)
