"""Ask your documents, and open every footnote.

>>> from footnote import Settings
>>> from footnote.connect import connect
>>> with connect(Settings.from_env()) as footnote:      # doctest: +SKIP
...     footnote.ask(footnote.local_scope(), "When is the pool open?")
"""

from footnote.settings import Settings

__all__ = ["Settings"]
