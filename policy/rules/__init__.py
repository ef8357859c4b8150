"""The rules, one module per service; pure functions that know neither Pulumi nor any program."""
