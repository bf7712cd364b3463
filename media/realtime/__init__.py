"""The 20 ms plane: clock, mixer, jitter buffers, levels and rings."""
