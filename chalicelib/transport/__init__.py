"""Transport: calls of DynamoDB's operations on items, for an eighth of botocore's CPU time."""
