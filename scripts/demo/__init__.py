"""Two releases of the example application, told step by step: ``make demo``."""
