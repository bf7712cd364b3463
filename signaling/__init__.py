"""Everything that crosses a process, a host or a network; builds media and cognition and wires one to the other."""
