"""The only importer of boto3: one small file for each AWS service; translate.py translates the errors."""
