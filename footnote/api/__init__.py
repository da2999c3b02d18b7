"""The HTTP door: routes that parse, call and render."""
