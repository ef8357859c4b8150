"""What a stack decides: the only reader of configuration, and what the rest of the program knows before it runs."""
