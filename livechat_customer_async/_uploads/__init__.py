"""A caller's file becomes a multipart body."""
