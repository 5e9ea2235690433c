"""A stand-in for the providers of models: Anthropic, Bedrock, OpenAI and ChatGPT.

It speaks HTTP/1.1 and HTTP/2 by ALPN and WebSocket, says what a test tells it to say (`play`), and
keeps what it was asked and what it answered (`calls`)."""

from internet.provider.answer import Answer, Failure, Text, Thinking, Tool, Usage
from internet.provider.plays import Script, Task
from internet.provider.server import HOSTS, Provider

__all__ = ["Answer", "Failure", "HOSTS", "Provider", "Script", "Task", "Text", "Thinking", "Tool",
           "Usage"]
