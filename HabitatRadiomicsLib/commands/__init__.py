"""The command line.

In: arguments; out: an exit status. Each command parses, calls one library function and prints; it may import every
room except ``scene`` and ``panel``.
"""
