"""A simulator of Lambda's event source mapping for DynamoDB streams: see README.md."""
