"""Simplified working implementations of AWS, of a cluster and of the providers: the real engine runs on them."""
