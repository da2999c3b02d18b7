"""How a document gets in."""
