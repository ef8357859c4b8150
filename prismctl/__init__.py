"""The commands around the platform: what platform engineers, reviewers, security and on-call reach for."""
