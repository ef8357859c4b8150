"""Wrong edits made on purpose, and whether a test notices them: see docs/adr/0031-wrong-edits-on-purpose.md."""
