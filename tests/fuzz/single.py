"""libFuzzer on one target: ``python -m tests.fuzz.single TARGET SECONDS``. Ends with 0 if nothing broke."""

from __future__ import annotations

import logging
import sys

import atheris

from tests.fuzz.inputs import CORPUS, KEPT, LONG, WORDS

with atheris.instrument_imports(include=["listserv", "flufl", "dkim", "authres", "mailparser"]):
    from tests.fuzz.targets import TARGETS

_MEGABYTES, _SECONDS = 1024, 30


def main(target: str, seconds: str) -> None:
    """Fuzz in this process; libFuzzer ends it."""
    logging.disable()  # flufl.bounce tells of each of its detectors that fails
    kept, words = KEPT / target, KEPT / f"{target}.words"
    kept.mkdir(parents=True, exist_ok=True)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS[target]))
    options = {
        "max_total_time": seconds,
        "max_len": LONG,
        "timeout": _SECONDS,
        "rss_limit_mb": _MEGABYTES,
        "dict": words,
        "artifact_prefix": f"{CORPUS / target}/",
        "print_final_stats": 1,
    }
    command = [sys.argv[0], *(f"-{name}={value}" for name, value in options.items())]
    with TARGETS[target]() as try_one:
        atheris.Setup([*command, str(kept), str(CORPUS / target)], try_one)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word[:64])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
