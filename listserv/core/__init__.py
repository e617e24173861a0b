"""Pure policy: records in, records out. Nothing here knows SQL, the network, a file or the time."""
