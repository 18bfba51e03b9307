from __future__ import annotations

import torch

from composer.merging import Stack
from composer.merging.alignment import align


def stack(*modules: str, offset: float = 0.0) -> Stack:
    values = torch.arange(len(modules)).view(-1, 1, 1) + offset
    return Stack(modules, values.expand(-1, 2, 3).clone(), values.expand(-1, 4, 2).clone())


def test_adapters_of_one_layout_are_not_copied():
    left, right = stack("q0", "q1"), stack("q0", "q1")
    (group,) = align(["left", "right"], [(left,), (right,)])
    assert [member is own for (_, member), own in zip(group.members, (left, right), strict=True)] == [True, True]


def test_a_module_goes_to_the_group_of_the_adapters_that_have_it():
    groups = align(["full", "top", "other"], [(stack("q0", "q1"), stack("k0")), (stack("q1"),), (stack("v0"),)])
    found = {group.modules: [position for position, _ in group.members] for group in groups}
    assert found == {("q0",): [0], ("q1",): [0, 1], ("k0",): [0], ("v0",): [2]}


def test_slices_follow_the_names_where_the_orders_differ():
    (group,) = align(["left", "right"], [(stack("q0", "q1", "q2"),), (stack("q2", "q0", "q1", offset=10),)])
    assert group.modules == ("q0", "q1", "q2")
    assert group.members[0][1].a[:, 0, 0].tolist() == [0, 1, 2]
    assert group.members[1][1].a[:, 0, 0].tolist() == [11, 12, 10]
    assert group.members[1][1].b[:, 0, 0].tolist() == [11, 12, 10]
