"""docs/reliability.md is what the kept counts say, of promises whose tests exist."""

from __future__ import annotations

import json

from tools.reliability import COUNTS, PAGE, ROOT, counted, page, promises


def test_the_page_is_what_its_counts_say() -> None:
    """The page has the bytes that the counts give; they are of each promise, as the last long run tried it."""
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    assert list(counts) == [promise["what"] for promise in promises()]
    assert page(counts) == PAGE.read_text(encoding="utf-8")


def test_each_promise_names_tests_that_exist() -> None:
    """Every file of tests is there."""
    named = [ROOT / test for promise in promises() for test in promise["tests"]]
    assert [path for path in named if not path.is_file()] == []


def test_cases_within_a_test_are_counted() -> None:
    """A test that says how many cases it tried counts as these; one that was skipped counts as none."""
    case = '<testcase><properties><property name="cases" value="500"/></properties></testcase>'
    others = "<testcase/><testcase><skipped/></testcase>"
    counts = counted(f'<testsuites><testsuite skipped="1" time="2.5">{case}{others}</testsuite></testsuites>')
    assert (counts.passed, counts.skipped, counts.cases, counts.seconds) == (2, 1, 501, 2.5)
