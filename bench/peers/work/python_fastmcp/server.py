"""FastMCP for Python under uvicorn."""

import functools
import os

import uvicorn
from fastmcp import FastMCP
from fastmcp.tools.base import ToolResult
from python_tools import TOOLS

server = FastMCP("work")


def as_text(tool):
    """FastMCP would send a plain string twice: as text and as structured content."""

    @functools.wraps(tool)
    async def run(**arguments):
        return ToolResult(content=await tool(**arguments))

    run.__annotations__ = {**tool.__annotations__, "return": ToolResult}
    return run


for tool in TOOLS:
    server.tool(as_text(tool))

app = server.http_app(
    json_response=True, stateless_http=os.environ["SESSIONS"] != "on"
)
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(os.environ["PORT"]),
    log_level="warning",
    access_log=False,
)
