"""Transport: calls of DynamoDB's operations on items, for a third of botocore's CPU time."""
