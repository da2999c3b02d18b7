"""AWS's door."""
