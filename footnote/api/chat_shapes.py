"""What goes in and comes out over HTTP in the OpenAI protocol; what is not known of a request is let be."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MAX_QUESTION = 4000
MESSAGE = {"role": "assistant", "content": "The pool opens at nine in the morning. [1]", "annotations": []}


class ChatMessage(BaseModel):
    """One message; its content is a text, or parts of which those of text count."""

    role: str = Field(examples=["user"])
    content: str | list[dict[str, Any]] | None = Field(default=None, examples=["When is the pool open?"])

    def text(self) -> str:
        """Return what it says."""
        if isinstance(self.content, str):
            return self.content.strip()
        parts = (one.get("text") for one in self.content or () if one.get("type") == "text")
        return "\n".join(one for one in parts if isinstance(one, str)).strip()


class ChatRequest(BaseModel):
    """A conversation, whose last message is to be answered."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"model": "footnote", "messages": [{"role": "user", "content": "When is the pool open?"}]}]
        },
    )

    model: str = Field(max_length=128, description="a persona's id; another answers as the building's default one")
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool = False

    def question_and_turns(self) -> tuple[str, list[tuple[str, str]]]:
        """Return what the last message asks, "" if it is no user's, and the questions before it with their answers."""
        *earlier, last = self.messages
        turns: list[tuple[str, str]] = []
        asked = ""
        for one in earlier:
            if one.role == "user":
                asked = one.text()
            elif one.role == "assistant" and asked:
                turns.append((asked, one.text()))
                asked = ""
        return (last.text()[:MAX_QUESTION] if last.role == "user" else ""), turns


class ModelShape(BaseModel):
    """A persona, as a model."""

    id: str = Field(examples=["concierge"])
    object: str = Field(examples=["model"])
    created: int
    owned_by: str = Field(examples=["home"])


class ModelsReply(BaseModel):
    """The personas of the building."""

    object: str = Field(examples=["list"])
    data: list[ModelShape]


class ChatCompletion(BaseModel):
    """An answer, with the citations of its sentences as annotations."""

    id: str = Field(examples=["chatcmpl-01KD0000000000000000000000"])
    object: str = Field(examples=["chat.completion"])
    created: int
    model: str = Field(examples=["footnote"])
    choices: list[dict[str, Any]] = Field(examples=[[{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]])
    usage: dict[str, int] = Field(examples=[{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
