"""cat as a list of its adapters' own factors: nothing is copied, and the update stays the same."""

from __future__ import annotations

import pytest
import torch

from composer.bank.writing import write_adapter
from composer.errors import AdapterError
from composer.merging import METHODS, contributions_of, merge

from .oracle import Oracle, unstacked, updates

UNEQUAL = (("wide", 0.5), ("thin", -0.25), ("attention", 0.125), ("bottom", 1.5))


def listed_updates(merged) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for stack in merged.stacks:
        for row, module in enumerate(stack.modules):
            update = stack.scale * stack.b[row].double() @ stack.a[row].double()
            found[module] = found.get(module, 0) + update
    return found


def test_the_list_adds_up_to_what_the_copy_is(oracle: Oracle):
    adapters = oracle.adapters([name for name, _ in UNEQUAL])
    whole = updates(merge("cat", adapters, UNEQUAL))
    listed = listed_updates(merge("cat", adapters, UNEQUAL, listed=True))
    assert listed.keys() == whole.keys()
    for module, update in whole.items():
        assert torch.allclose(listed[module], update, atol=1e-6)


def test_the_list_holds_the_adapters_own_tensors(oracle: Oracle):
    adapters = oracle.adapters([name for name, _ in UNEQUAL])
    own = {stack.a.data_ptr() for adapter in adapters for stack in adapter.stacks}
    assert {stack.a.data_ptr() for stack in merge("cat", adapters, UNEQUAL, listed=True).stacks} == own


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.lists])
def test_other_methods_give_the_same_whether_a_list_may_come_or_not(oracle: Oracle, method: str):
    weights = (("one", 0.6), ("two", 0.4))
    adapters = oracle.adapters(["one", "two"])
    plain, asked = (unstacked(merge(method, adapters, weights, listed=listed)) for listed in (False, True))
    assert all(torch.equal(plain[m][0], asked[m][0]) and torch.equal(plain[m][1], asked[m][1]) for m in plain)


def test_contributions_of_the_list_are_those_of_the_copy(oracle: Oracle):
    adapters = oracle.adapters([name for name, _ in UNEQUAL])
    merges = [merge("cat", adapters, UNEQUAL, listed=listed) for listed in (False, True)]
    plain, listed = contributions_of(merges, adapters, UNEQUAL)
    assert dict(listed.effective) == pytest.approx(dict(plain.effective), abs=1e-6)
    assert listed.norm_ratio == pytest.approx(1.0, abs=1e-6)
    assert listed.off_span == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("weights", [(("one", 0.25),), (("one", 0.5), ("two", 0.5))])
def test_a_list_is_not_written_as_an_adapter(oracle: Oracle, tmp_path, weights):
    listed = merge("cat", oracle.adapters([name for name, _ in weights]), weights, listed=True)
    with pytest.raises(AdapterError, match="listed=False"):
        write_adapter(tmp_path, listed, base_model_name="base")
    assert not list(tmp_path.iterdir())


def test_a_merge_may_be_rounded_to_a_smaller_type(oracle: Oracle):
    weights = (("one", 0.6), ("two", 0.4))
    exact = merge("ties", oracle.adapters(["one", "two"]), weights)
    rounded = merge("ties", oracle.adapters(["one", "two"]), weights, dtype=torch.bfloat16)
    for whole, half in zip(exact.stacks, rounded.stacks, strict=True):
        assert torch.equal(whole.a.bfloat16(), half.a) and torch.equal(whole.b.bfloat16(), half.b)
