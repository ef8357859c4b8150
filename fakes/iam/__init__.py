"""What IAM would answer: roles and an evaluator of policies."""
