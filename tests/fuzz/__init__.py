"""What strangers send, made worse and worse: only the typed errors may come of it, in bounded time.

``targets.py``, ``dialogue.py`` and ``pipeline.py`` say for each input what must hold. ``test_fuzz.py`` tries
the corpus, what hypothesis makes of it, and 64 kB of each dangerous word, in CI. ``make fuzz`` lets libFuzzer
(atheris) look for inputs that take new ways through the code, FUZZ_MINUTES for each target; what it finds
is put into ``corpus/`` as a ``crash-…``, and stays there once it is mended.
"""
