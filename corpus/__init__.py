"""What we know: the nouns, the sockets, and the stores behind them."""
