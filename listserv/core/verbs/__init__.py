"""What each verb does, a function or two a verb. Their table is ``core/commands.py``.

``read``: a person's words → the act's argument in its one written form, or what to say where they can't be
read. ``do``: that argument → what comes of it. What ``do`` gets was written by ``read``, now or days ago.
"""
