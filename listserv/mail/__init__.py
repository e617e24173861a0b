"""Bytes to records and back. No network, no database, no clock; keys, words and look-ups are handed in."""
