"""`make bench-verdicts`: what Longshore and its peers say of the same faults, and when."""
