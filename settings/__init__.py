"""A stack's configuration: the only code that reads it, and pure values that other packages need, such as names."""
