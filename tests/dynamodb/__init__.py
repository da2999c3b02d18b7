"""What only DynamoDB has, beyond the contract of a table: cursors, lag, races, throttling, lost answers, set-up."""
