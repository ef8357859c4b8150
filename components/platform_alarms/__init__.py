"""CloudWatch alarms of the platform, a module for each part that they watch."""
