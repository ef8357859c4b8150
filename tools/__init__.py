"""Binaries that the tests run, pinned as Go modules, and what builds them."""
