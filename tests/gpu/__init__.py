"""Tests that need an NVIDIA GPU with TensorRT; benchmarks/engines/run.py runs and records them."""
