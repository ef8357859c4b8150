"""What IAM would answer: calls, roles and an evaluator of policies."""
