"""A fake AWS account."""
