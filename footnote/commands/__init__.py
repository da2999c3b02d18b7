"""What the commands do; `footnote.cli` only parses. Loaded when a command runs, so that `--help` stays quick."""
