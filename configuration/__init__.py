"""How configuration is read, checked and explained; what it consists of is in `settings`."""
