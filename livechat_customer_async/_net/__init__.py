"""Sending one request and reading its answer: the only package that knows httpx."""
