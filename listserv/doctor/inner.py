"""Addresses that nobody outside can reach: loopback, private, link-local, none."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

# ``ipaddress`` calls more than these private, such as what documentation uses.
_INNER = [
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("::/127", "fc00::/7", "fe80::/10"),
    )
]


def is_inner(address: str) -> bool:
    """Whether an IP address is of this machine or its own network. False for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in _INNER)
