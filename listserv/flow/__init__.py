"""The imperative shell, one file per verb, in the order that ``listserv/__init__.py`` tells."""
