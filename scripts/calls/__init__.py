"""`make bench-calls`: how often a release calls ECS, beside the rates that AWS allows."""
