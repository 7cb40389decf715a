"""A cell: a process without files, network or programs, in which a suspect is read and queried.

cell.py     the parent's side: START HERE
nursery.py  the process that cells are forked from, so that a cell starts in milliseconds
walls.py    the layers that close a cell
probe.py    what a closed cell can still do, tried from inside
wire.py     messages between the two sides
"""
