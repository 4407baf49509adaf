"""Three releases of the example application, one of them bad, step by step: ``make demo``."""
