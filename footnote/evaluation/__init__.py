"""Measuring search and answers over labelled sets, by way of the product's own upload, search and ask."""
