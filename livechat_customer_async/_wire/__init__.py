"""Bytes to models and back, without I/O."""
