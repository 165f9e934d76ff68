"""What the user sees in Slicer: binds the widgets of the .ui files to the parameter node and to the library."""
