"""What is told of the endpoint, to people and to language models."""

from gradio.utils import get_function_description

from composer.config import NORMALIZATIONS
from composer.ui.api import PARAMETERS, WHAT_IT_DOES, compare_endpoint


def test_every_parameter_is_described(composer):
    told, parameters, _ = get_function_description(compare_endpoint(composer, iter))
    assert told == WHAT_IT_DOES
    assert parameters == PARAMETERS
    assert all(name in parameters["normalization"] for name in NORMALIZATIONS)
    assert "magnitude_prune" in parameters["methods"] and "inverse" in parameters["kernel"]
