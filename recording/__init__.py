"""Runs the program without an engine and records what it registers. Knows Pulumi; no rule, no command."""
