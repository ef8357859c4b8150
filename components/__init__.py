"""The platform's building blocks: one component, one file, one guarantee."""
