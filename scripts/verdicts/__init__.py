"""`make bench-verdicts`: compares the verdicts of Longshore and three other tools on the same faults."""
