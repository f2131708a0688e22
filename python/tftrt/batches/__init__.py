"""Batches of inputs: read from files and Python, checked against signatures, and passed between processes."""
