"""Policies for Pulumi programs on AWS and Kubernetes: rules, the surfaces they run on, and what they find."""

# Not a file of that name: the engine starts the pack with this folder in front of the standard library's `types`.
from policy import resource_types as types

__all__ = ["types"]
