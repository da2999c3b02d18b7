"""What is said of a large upload before its bytes come: the nouns of `PartStore`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class BegunUpload(NamedTuple):
    """A blob that comes in parts: the key it will have, and what its store calls the upload."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class UploadPart:
    """What is said of one part of an upload before it comes: its number from 1, its bytes, their SHA-256 in hex."""

    number: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where one part of an upload may be put without asking us, and the headers that have to come with it."""

    url: str
    headers: Mapping[str, str]
