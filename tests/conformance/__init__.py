"""Our picture of AWS, held against botocore's models and against recordings of AWS."""
