"""Real servers for the tests: OpenSearch, DynamoDB Local, and moto for S3 and SQS, each on loopback.

`python -m tests.services start` fetches what is missing and starts what does not run; `status` and `stop` say the rest.
Everything they write lies in `.services`; each is stopped by its own process id.
"""
