"""`listserv bench`: what this machine does with this program, a JSON line a figure.

The measured server is the real one, in processes of its own; what measures it costs as little as it can,
because it runs on the same cores, and says how much that was. Read the files in this order:

    sink.py       takes all mail, counts recipients, keeps nothing (a process of its own)
    load.py       brings mail in over many connections at once
    processes.py  what a tree of processes costs: CPU seconds, memory
    machine.py    what this machine can do at all: signatures, commits, a loop
    place.py      a site, its server and its sink, for one measurement
    fan_out.py, intake.py, growth.py, moving.py   what is measured
    everything.py what can be asked for, by name
    figures.py    a figure, and how it is told

Linux only: it reads /proc.
"""
