"""A request that is not of the form its route takes, in words: which part of it, what is wrong, and what would help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, JsonValue, WithJsonSchema
from starlette.datastructures import ImmutableMultiDict

from corpus.errors import BadRequest
from corpus.keys import checked_time

HINT = "/openapi.json says what this route takes, with an example."
JSON_HINT = "Send a JSON object as `content-type: application/json`; /openapi.json has an example for this route."
FILE_HINT = "Send it as the multipart field `file`, with its name: `curl -F file=@house-rules.pdf …`."
UNKNOWN_PARAMETER, REPEATED = "unknown_query_parameter", "repeated"
LONGEST = 60
"""Characters of a field's name that are repeated."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

_SAID: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    REPEATED: lambda _: "may be given once",
    "extra_forbidden": lambda _: "is not known here",
    "string_type": lambda _: "has to be a text",
    "string_too_short": lambda known: (
        "may not be empty" if known["min_length"] == 1 else f"needs {known['min_length']:,} characters or more"
    ),
    "string_too_long": lambda known: f"may have {known['max_length']:,} characters at most",
    "string_pattern_mismatch": lambda known: _pattern(known["pattern"]),
    "int_type": lambda _: "has to be a whole number",
    "int_parsing": lambda _: "has to be a whole number",
    "int_parsing_size": lambda _: "has to be a whole number",
    "int_from_float": lambda _: "has to be a whole number",
    "bool_type": lambda _: "has to be true or false",
    "bool_parsing": lambda _: "has to be true or false",
    "greater_than_equal": lambda known: f"has to be {known['ge']:,} or more",
    "less_than_equal": lambda known: f"may be {known['le']:,} at most",
    "list_type": lambda _: "has to be a list",
    "too_short": lambda known: f"needs {known['min_length']:,} or more entries",
    "too_long": lambda known: f"may have {known['max_length']:,} entries at most",
    "model_attributes_type": lambda _: "has to be an object",
    "model_type": lambda _: "has to be an object",
    "dict_type": lambda _: "has to be an object",
    "value_error": lambda known: str(known["error"]),
    "literal_error": lambda known: f"has to be {known['expected']}",
}
"""By kind of fault, the words behind the name of the part; any other is said as the validator says it."""


def said(error: Mapping[str, Any], content_type: str) -> tuple[str, str]:
    """Return a sentence about the first fault of a request, and what would help."""
    kind, (where, *names) = str(error.get("type", "")), [str(part) for part in error.get("loc") or ("body",)]
    if kind == "json_invalid":
        return f"The body is not JSON: {error['ctx']['error']}, at character {names[0]}.", JSON_HINT
    if where == "body" and not names:
        return _of_the_body(kind, content_type)
    if kind == UNKNOWN_PARAMETER:
        known = error["ctx"]["known"]
        takes = f"It takes {_listed(known)}." if known else "It takes none."
        named = f"`{names[0][:LONGEST]}`" if names[0] else "without a name"
        return f"This route has no query parameter {named}.", takes
    if names == ["file"] and kind != REPEATED:
        return "The request has no file.", FILE_HINT
    return of_field(error, names, "" if where == "body" else f" ({where})"), HINT


def of_field(error: Mapping[str, Any], names: Sequence[object], where: str = "") -> str:
    """Return a sentence about a fault of a field, which is named by the way to it."""
    name, kind = ".".join(map(str, names))[:LONGEST], error.get("type", "")
    fault = f" {_SAID[kind](error.get('ctx') or {})}" if kind in _SAID else f": {error.get('msg', 'malformed')}"
    return f"`{name}`{where}{fault.rstrip('.')}."


def about(error: Mapping[str, Any]) -> str:
    """Return which field a fault is of, as the OpenAI protocol names it."""
    return ".".join(str(part) for part in (error.get("loc") or ())[1:])


async def only_known(request: Request) -> None:
    """Refuse a query parameter that the route does not have: it may be a filter with a slip of the pen.

    So is one that comes twice: but for the last, they would be dropped.
    """
    if not request.scope.get("query_string"):
        return
    known = _query_parameters(request.scope["route"].dependant)
    if unknown := sorted(set(request.query_params) - known):
        where = ("query", unknown[0])
        raise RequestValidationError([{"type": UNKNOWN_PARAMETER, "loc": where, "ctx": {"known": sorted(known)}}])
    _once("query", request.query_params)


async def only_a_file(request: Request) -> None:
    """Refuse a form with more than one file, or with anything else: what is not taken is not dropped either."""
    form = await request.form()
    if unknown := sorted(set(form) - {"file"}):
        raise RequestValidationError([{"type": "extra_forbidden", "loc": ("body", unknown[0])}])
    _once("body", form)


def _once(where: str, given: ImmutableMultiDict[str, Any]) -> None:
    """Refuse what bears the same name twice."""
    names = [name for name, _ in given.multi_items()]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise RequestValidationError([{"type": REPEATED, "loc": (where, twice)}])


def _query_parameters(dependant: Dependant) -> set[str]:
    own = [_names(one.alias, one.field_info.annotation) for one in dependant.query_params]
    return set[str]().union(*own, *map(_query_parameters, dependant.dependencies))


def _names(alias: str, kind: object) -> Iterable[str]:
    """The parameters that one argument of a route takes: a model stands for each of its fields."""
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else (alias,)


def _day(given: object) -> object:
    """Refuse whatever is no text like 2027-01-31: a bare number would be taken for seconds since 1970."""
    if given is None or isinstance(given, date):
        return given
    try:
        if isinstance(given, str) and _DAY.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:  # the thirtieth of February
        pass
    raise ValueError("has to be a day like 2027-01-31")


Day = Annotated[date, BeforeValidator(_day)]
"""A day as people write it to programs, YYYY-MM-DD."""


def _moment(given: object) -> str:
    try:
        if isinstance(given, str) and given:
            return checked_time("", given)
    except BadRequest:
        pass
    raise ValueError("has to be a day like 2027-01-31, or a time with its zone, like 2027-01-31T00:00:00Z")


_EITHER: JsonValue = [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
Moment = Annotated[str, BeforeValidator(_moment), WithJsonSchema({"anyOf": _EITHER})]
"""A time as it is stored; a day alone is its first moment, in UTC."""
MEDIA_TYPE = r"^[^/\s]+/[^/\s]+$"
"""What a media type looks like: a suffix in its place would find nothing, and never say why."""
MONTH = r"^([0-9]{4}-(0[1-9]|1[0-2]))?$"
LANGUAGE = r"^([a-z]{2}(-[A-Z]{2})?)?$"
"""An ISO code, maybe with that of a country; or nothing."""
_PATTERNS: Mapping[str, str] = {
    r"\S": "needs a character that is no blank",
    MEDIA_TYPE: "has to be a media type like application/pdf",
    MONTH: "has to be a month like 2027-01",
    LANGUAGE: "has to be the code of a language, like de or de-CH",
}


def _of_the_body(kind: str, content_type: str) -> tuple[str, str]:
    if kind == "missing":
        return "The request has no body.", JSON_HINT
    if "json" not in content_type:
        return (
            f"The body came as {content_type.partition(';')[0][:LONGEST] or 'no type at all'}, not as JSON.",
            JSON_HINT,
        )
    return "The body has to be a JSON object.", JSON_HINT


def _pattern(pattern: str) -> str:
    return _PATTERNS.get(pattern, f"has to look like {pattern}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
