"""Signs for some seconds, as fast as it goes: what one process of this machine can sign at all.

    python -m listserv.benching.signer SECONDS

Says ``ready``, begins when its standard input ends, prints how many signatures a second it made.
"""

from __future__ import annotations

import sys
from time import perf_counter

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_HEADERS = b"x" * 500  # what is signed: the headers of a copy, about as long as they are
_GROUP = 20


def main(seconds: float) -> None:
    """RSA-2048 with SHA-256 (RFC 8301), through the library that the server signs with."""
    key = rsa.generate_private_key(65537, 2048)
    print("ready", flush=True)
    sys.stdin.read()
    done, began = 0, perf_counter()
    while (took := perf_counter() - began) < seconds:
        for _ in range(_GROUP):
            key.sign(_HEADERS, padding.PKCS1v15(), hashes.SHA256())
        done += _GROUP
    print(done / took)


if __name__ == "__main__":
    main(float(sys.argv[1]))
