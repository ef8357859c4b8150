"""Policies for Pulumi programs on AWS and Kubernetes: rules, the surfaces they run on, and what they find."""
