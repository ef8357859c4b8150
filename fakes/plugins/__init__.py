"""The fake providers, as plugins of the real engine."""
