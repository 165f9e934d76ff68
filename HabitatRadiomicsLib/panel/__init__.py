"""What the user sees in Slicer: binds the widgets of the .ui files to the parameter node and to the library.

In: the user's clicks; out: runs of the library and views of their results. The only room that may import ``qt`` and
``ctk``; imports every room except ``commands``.
"""
