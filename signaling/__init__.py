"""Everything that crosses a process, a host or a network; wires media and cognition to one another."""
