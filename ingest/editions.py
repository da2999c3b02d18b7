"""What people say of documents, with one write: how they are called, who reads them, which takes whose place.

An edition names the one it supersedes, and that one names it back. Both sides change in one transaction on the `rev`s
that were read, with every edition further back: so no two people, each doing what is right alone, close a circle. So do
the lists of what is shared with whom. Of readers, tags and titles chunks know too: the pipeline writes them again.
"""

from __future__ import annotations

from dataclasses import replace

from corpus.errors import BadRequest, Conflict, NotFound, Unavailable
from corpus.force import Force
from corpus.items import MAX_TRANSACTION, Put, Remove
from corpus.model import Access, Document
from corpus.ports import Table
from corpus.records.documents import Documents, unknown
from corpus.records.shares import Shares
from corpus.scope import Scope
from ingest.terms import Terms

MOST_BACK = 80
"""Editions that may come one after another: all of them, and both ends, have to fit into a transaction."""
MOST_NEWER = 16
"""Documents that may say they supersede one and the same; where those of one that goes join them, there are more."""
TRIES = 20


def amend(table: Table, scope: Scope, document_id: str, terms: Terms) -> Document:
    """Write what the asker says of their document, and return it.

    Raises `NotFound` if it, or what it is to supersede, is not there or another's, `BadRequest` for dates or editions
    that contradict each other, and for too many readers at once.
    """
    documents = Documents(table)
    for _ in range(TRIES):
        document = mine(documents, scope, document_id)
        amended = terms.of(document)
        if amended == document:
            return document
        try:
            linked = [documents.write(one) for one in _linked(documents, scope, document, amended)]
            table.transact(_together([*linked, *Shares(table).changes(document, amended, scope.now)]))
        except Conflict:  # somebody wrote one of them meanwhile: read again
            continue
        return replace(amended, rev=document.rev + 1)
    raise Unavailable("The document changes all the time.", retry_after=5)


def _together(writes: list[Put | Remove]) -> list[Put | Remove]:
    """Writes that a transaction takes; raises `BadRequest` for more of them."""
    if len(writes) > MAX_TRANSACTION:
        raise BadRequest(
            "That changes the document for more readers than can be changed at once.",
            hint="Take it from some of them first, and give it to the others then.",
        )
    return writes


def mine(documents: Documents, scope: Scope, document_id: str) -> Document:
    """Return the asker's document in the building they ask in.

    Raises `NotFound` for one that is not there, and just so for another's or another building's.
    """
    found = documents.get(document_id)
    if found is None or found.deleted_at or not found.is_of(scope):
        raise unknown(document_id)
    return found


def bury(table: Table, gone: Document) -> Document:
    """Write a document's tombstone and take it from its readers, in one transaction, and return it.

    The editions before and behind it are joined to one another. Readers for whom the transaction has no room stay in
    the tombstone until it is buried again. Raises `Conflict` if any of it was written since it was read.
    """
    documents = Documents(table)
    joined = _joined(documents, gone)
    room = MAX_TRANSACTION - 1 - len(joined)
    readers, left = gone.access.shared_with[:room], gone.access.shared_with[room:]
    tombstone = replace(gone, access=Access(shared_with=left), force=Force())
    taken_back = Shares(table).taken_back(gone.document_id, readers)
    table.transact([documents.write(tombstone), *joined, *taken_back])
    return replace(tombstone, rev=gone.rev + 1)


def _joined(documents: Documents, gone: Document) -> list[Put]:
    """What joins the editions before and behind one to one another: as many as a transaction has room for."""
    force = gone.force
    older = documents.get(force.supersedes) if force.supersedes else None
    newer = [one for one in documents.get_many(force.superseded_by).values() if one.is_replacing(gone)][:MOST_BACK]
    writes = []
    if older and not older.deleted_at:
        names = [name for name in older.force.superseded_by if name != gone.document_id]
        names += [one.document_id for one in newer]
        writes.append(documents.write(_named(older, names)))
    for one in newer:
        back = older.document_id if older and not older.deleted_at else ""
        writes.append(documents.write(replace(one, force=replace(one.force, supersedes=back))))
    return writes


def _linked(documents: Documents, scope: Scope, before: Document, amended: Document) -> list[Document]:
    """The document with all the records that have to be as they were read, or change with it."""
    was, now = before.force.supersedes, amended.force.supersedes
    if was == now:
        return [amended]
    back = _editions_back(documents, scope, amended)
    if back:
        first, *others = back
        names = [*first.force.superseded_by, amended.document_id]
        if len(set(names)) > MOST_NEWER:
            raise BadRequest(f"More than {MOST_NEWER} documents supersede one and the same.", hint="Name another one.")
        back = [_named(first, names), *others]
    left = documents.get(was) if was else None
    if left and not left.deleted_at:
        back = [one for one in back if one.document_id != was]
        names = [name for name in left.force.superseded_by if name != amended.document_id]
        back.append(_named(left, names))
    return [amended, *back]


def _editions_back(documents: Documents, scope: Scope, amended: Document) -> list[Document]:
    """The editions before one, the latest first; raises what `amend` does."""
    found: list[Document] = []
    name = amended.force.supersedes
    while name:
        if name in {amended.document_id, *(one.document_id for one in found)}:
            raise BadRequest("A document cannot supersede itself, nor one that supersedes it.", hint="Turn it round.")
        if len(found) == MOST_BACK:
            raise BadRequest(f"More than {MOST_BACK} editions follow one another.", hint="Remove the oldest of them.")
        try:
            found.append(mine(documents, scope, name))
        except NotFound:
            if not found:
                raise
            break
        name = found[-1].force.supersedes
    return found


def _named(document: Document, newer: list[str]) -> Document:
    return replace(document, force=replace(document.force, superseded_by=tuple(dict.fromkeys(newer))))
