"""What runs in the cluster: one chart, one file."""
