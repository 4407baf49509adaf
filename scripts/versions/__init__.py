"""`make bench-version`: the cost of finding the next version in registries of 100 to 100,000 tags."""
