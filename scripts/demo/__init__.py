"""Three releases of the example application, one of them bad, told step by step: ``make demo``."""
