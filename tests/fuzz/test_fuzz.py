"""The fuzz targets, for a short while: see the package. ``make fuzz`` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import CORPUS, WORDS, Change, changed, seeds
from tests.fuzz.targets import TARGETS

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLES = 5_000 if os.environ.get("LISTSERV_LONG") else 60
_HOW = ("put", "over", "cut", "end", "again")


def test_each_target_has_a_corpus_and_words_and_each_corpus_a_target() -> None:
    assert set(TARGETS) == set(WORDS) == {path.name for path in CORPUS.iterdir() if path.is_dir()}
    assert all(len(seeds(target)) >= 3 for target in TARGETS)


def test_the_corpus_and_64_kilobytes_of_any_word_are_dealt_with_in_little_memory() -> None:
    command = [sys.executable, "-m", "tests.fuzz.replay"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_breaks_on_what_the_corpus_becomes_when_it_is_changed(target: str) -> None:
    change = st.builds(
        Change,
        st.sampled_from(_HOW),
        st.integers(0, 1 << 16),
        st.sampled_from(WORDS[target]) | st.binary(min_size=1, max_size=6),
    )
    inputs = st.builds(changed, st.sampled_from(seeds(target)), st.lists(change, max_size=8))

    with TARGETS[target]() as try_one:

        @given(inputs)
        @settings(
            max_examples=_EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        def holds(raw: bytes) -> None:
            try_one(raw)

        holds()
