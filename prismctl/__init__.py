"""prismctl: the command line for platform engineers, reviewers, security and on-call."""
