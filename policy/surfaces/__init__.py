"""What rules can be run on besides a recorded program: exported states, plans, manifests."""
