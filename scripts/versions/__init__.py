"""`make bench-version`: what the next version costs in a registry of 100 tags and in one of 100,000."""
