"""The only importer of boto3: one small file a service, errors translated in one place (calls.py)."""
