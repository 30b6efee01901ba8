# SPDX-License-Identifier: Apache-2.0
"""The table of the founding articles' steps: complete, current, and true."""

import ast
from itertools import groupby

import founding_steps
from founding_steps import ROOT, TO_COME, WALKED


def test_the_page_is_what_the_table_says():
    """`python tests/founding_steps.py > docs/reference/founding-steps.md` renews it."""
    assert (ROOT / "docs/reference/founding-steps.md").read_text("utf-8") == founding_steps.page()


def test_each_article_has_its_steps_numbered_in_order():
    """No step is missing between two others, none is there twice, and no article is without steps."""
    articles, steps = founding_steps.read()
    numbers = {key: [one.step for one in of] for key, of in groupby(steps, key=lambda one: one.article)}
    assert list(numbers) == list(articles)
    assert numbers == {key: list(range(1, len(of) + 1)) for key, of in numbers.items()}
    assert len({(one.article, one.label) for one in steps}) == len(steps)


def test_each_step_says_what_where_and_how_it_stands():
    """A state is one of two, and nothing in a row breaks the table."""
    _, steps = founding_steps.read()
    assert [one for one in steps if not one.label or not one.path or "|" in one.label + one.path] == []
    assert [one.state for one in steps if one.state != TO_COME and not one.state.startswith(f"{WALKED}tests/")] == []


def test_each_test_that_is_said_to_walk_a_step_exists():
    """Whoever renames a test renames it here, too."""
    _, steps = founding_steps.read()
    lost = []
    for test in sorted({one.test for one in steps if one.test}):
        file, _, name = test.partition("::")
        path = ROOT / file
        tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.Module([], [])
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if not name.startswith("test_") or name.partition("[")[0] not in defined:
            lost.append(test)
    assert lost == []
