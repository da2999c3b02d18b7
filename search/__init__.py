"""How an answer gets out: policy only."""
