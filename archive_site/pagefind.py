"""Runs Pagefind's program: records go in, the files of an index come out. Nothing is left on the disk.

It is spoken to as its own wrappers do, by JSON in base64 with commas between, but in one stream: those wait
for each answer. The files are taken over the same pipe, because its own writing may be acknowledged before
the bytes are there (Pagefind 1271), and never takes an old file away.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pagefind_bin

_PIECE = 1 << 20
_META = ".pf_meta"
_ANY = "wasm.unknown.pagefind"  # reads languages whose endings the program does not know
_ENGINE = ("pagefind.js", "wasm.")  # what a page loads, once for all tiers


class PagefindFailed(Exception):
    """The program died, fell silent, or refused a record."""


def make_index(
    records: Iterable[Mapping[str, Any]], language: str, *, seconds: float, program: Path | None = None
) -> dict[str, bytes]:
    """The files of an index over these records, by path. Raises PagefindFailed, within so many seconds.

    All are taken for one ``language``: each of several would have an index of its own, and a reader only one.
    """
    found = program or pagefind_bin.get_executable()
    with _running(found, seconds) as process:
        assert process.stdin is not None and process.stdout is not None
        trouble: list[BaseException] = []
        said = threading.Thread(target=_say, args=(process.stdin, records, language, trouble), daemon=True)
        said.start()
        try:
            files = _heard(process.stdout)
        except (ValueError, LookupError, TypeError) as error:
            raise PagefindFailed(f"what it said can't be read: {type(error).__name__}") from error
        finally:
            process.kill()  # it has nothing to lose, and whoever still writes to it is done
            said.join()
        if trouble:
            raise trouble[0]
    if files is None:
        raise PagefindFailed("it ended, or took too long")
    wasm = f"wasm.{language}.pagefind"
    kept = {"pagefind.js", "pagefind-entry.json", wasm if wasm in files else _ANY}
    return {name: data for name, data in files.items() if "/" in name or name.endswith(_META) or name in kept}


def is_engine(name: str) -> bool:
    """Whether a file is the same in each index: the script and the program that reads an index."""
    return name.startswith(_ENGINE)


@contextlib.contextmanager
def _running(program: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The program, for so many seconds at most."""
    process = subprocess.Popen(
        [str(program), "--service"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.defpath},
    )
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        yield process
    finally:
        late.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close() if pipe else None


def _say(pipe: IO[bytes], records: Iterable[Mapping[str, Any]], language: str, trouble: list[Any]) -> None:
    try:
        pipe.write(_message(0, {"type": "NewIndex", "config": {"force_language": language}}))
        number = 0
        for number, told in enumerate(records, 1):
            pipe.write(_message(number, {"type": "AddRecord", "index_id": 0, **told}))
        pipe.write(_message(number + 1, {"type": "GetFiles", "index_id": 0}))
        pipe.flush()
    except BrokenPipeError:
        pass  # it is dead: whoever reads hears of it
    except BaseException as error:
        trouble.append(error)
        with contextlib.suppress(OSError):
            pipe.close()


def _message(number: int, payload: Mapping[str, Any]) -> bytes:
    told = json.dumps({"message_id": number, "payload": payload}).encode()
    return base64.b64encode(told) + b","


def _heard(pipe: IO[bytes]) -> dict[str, bytes] | None:
    """The files, once they come; None where the pipe ends before."""
    for payload in _payloads(pipe):
        match payload.get("type"):
            case "GetFiles":
                return {str(one["path"]): base64.b64decode(one["content"]) for one in payload["files"]}
            case "Error":
                raise PagefindFailed(str(payload.get("message"))[:200])
    return None


def _payloads(pipe: IO[bytes]) -> Iterator[dict[str, Any]]:
    heard = bytearray()
    while piece := os.read(pipe.fileno(), _PIECE):
        *whole, rest = piece.split(b",")
        for end in whole:
            heard += end
            yield json.loads(base64.b64decode(bytes(heard)))["payload"]
            heard.clear()
        heard += rest
