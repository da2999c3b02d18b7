"""The tools in the Model Context Protocol, by its official SDK: over a program's pipes, or one request at a time.

The SDK takes a second to import, so whoever imports this does so when somebody speaks the protocol, and not before.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from mcp import MCPError, stdio_server, types
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.concurrency import run_in_threadpool
from starlette.types import Message

from corpus.errors import FootnoteError, TooLarge
from corpus.scope import Scope
from footnote.api.tools import TOOLS, UNTRUSTED, Call, Tool
from footnote.connect import Footnote

log = logging.getLogger(__name__)
Asking = Callable[[], Scope]
MAX_REQUEST = 64 * 1024
"""Bytes of a request: the longest question and filter there may be fit in."""
INSTRUCTIONS = f"Footnote answers from people's documents, and cites the page for each sentence. {UNTRUSTED}"


def speak(footnote: Footnote, asker: Asking, request_id: Callable[[], str]) -> None:
    """Offer the tools to the program at the other end of standard input and output, until it closes them."""
    asyncio.run(_spoken(server(footnote, asker, request_id)))


async def exchanged(request: Request, footnote: Footnote, scope: Scope) -> Response:
    """Return the reply to one request of the protocol; there is no session, and no state between requests.

    Each request has a server of its own, bound to who asks, that ends with it: nothing is started or stopped with the
    application, as nothing could be behind API Gateway. Raises `TooLarge` for a body beyond 64 KiB.
    """
    bodies = iter([await _body(request)])
    own = server(footnote, lambda: scope, lambda: str(request.state.request_id))
    manager = StreamableHTTPSessionManager(own, json_response=True, stateless=True)
    sent: list[Message] = []

    async def given() -> Message:
        for body in bodies:
            return {"type": "http.request", "body": body}
        return await request.receive()  # once the other end hangs up

    async def keep(message: Message) -> None:
        sent.append(message)

    async with manager.run():
        await manager.handle_request(request.scope, given, keep)
    begun, *rest = sent
    reply = Response(b"".join(one.get("body", b"") for one in rest), begun["status"])
    reply.raw_headers = list(begun["headers"])
    return reply


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_REQUEST:
            raise TooLarge(
                f"A request of this protocol may have {MAX_REQUEST:,} bytes.", hint="Ask for less at a time."
            )
    return body


async def _spoken(server: Server[Any]) -> None:
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def server(footnote: Footnote, asker: Asking, request_id: Callable[[], str]) -> Server[Any]:
    """Return what answers in the protocol; who asks is looked up, and given a name, anew with each call."""

    async def listed(_: ServerRequestContext, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_described())

    async def called(_: ServerRequestContext, asked: types.CallToolRequestParams) -> types.CallToolResult:
        if (tool := TOOLS.get(asked.name)) is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such tool.")
        return await run_in_threadpool(_outcome, tool, footnote, asker, request_id(), asked.arguments or {})

    return Server(
        "footnote",
        title="Footnote",
        version=version("footnote"),
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )


@cache
def _described() -> list[types.Tool]:
    return [
        types.Tool(
            name=one.name,
            title=one.title,
            description=one.about,
            input_schema=one.takes.model_json_schema(),
            output_schema=one.returns.model_json_schema(mode="serialization"),
            annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
        )
        for one in TOOLS.values()
    ]


def _outcome(
    tool: Tool, footnote: Footnote, asker: Asking, request_id: str, arguments: dict[str, Any]
) -> types.CallToolResult:
    """Return what a tool returns, or what went wrong, as something that a model can read."""
    try:
        data = dict(tool(Call(footnote, asker(), request_id), arguments))
    except FootnoteError as error:
        return _failed(f"{error.code}: {error.message} {error.hint}".strip())
    except Exception:
        log.exception("a tool failed", extra={"tool": tool.name, "request_id": request_id})
        return _failed("internal: Something went wrong; the log says what.")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=data)


def _failed(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=said)], is_error=True)
