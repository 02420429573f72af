"""Bytes to models and back, without I/O."""

from .pydantic import install

install()
