"""Who asks, and of which parts: what every route is given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from corpus.keys import ID
from corpus.model import Document
from corpus.records.documents import unknown
from corpus.scope import Scope
from footnote.connect import Footnote


def parts(request: Request) -> Footnote:
    """Return the parts that the application was made over."""
    found: Footnote = request.app.state.footnote
    return found


def asker(request: Request) -> Scope:
    """Return who is asking: the local user, since only programs and pages of this machine come so far."""
    found: Footnote = request.app.state.footnote
    return found.local_scope()


Parts = Annotated[Footnote, Depends(parts)]
Asker = Annotated[Scope, Depends(asker)]


def readable(footnote: Footnote, scope: Scope, document_id: str) -> Document:
    """Return a document that the asker may read; one that they may not answers as one that is not there."""
    found = footnote.documents.get(document_id) if ID.fullmatch(document_id) else None
    if found is None or not found.admits(scope):
        raise unknown(document_id)
    return found
