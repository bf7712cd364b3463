"""Benchmarks, one module each; each reports ours beside a baseline in the same run."""
