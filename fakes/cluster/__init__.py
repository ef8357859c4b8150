"""A real API server, and what the fake providers do on it."""
