"""The official Python SDK under uvicorn."""

import os

import uvicorn
from mcp.server.mcpserver import MCPServer
from python_tools import TOOLS

server = MCPServer("work", log_level="WARNING")
for tool in TOOLS:
    server.tool(structured_output=False)(tool)

app = server.streamable_http_app(
    json_response=True, stateless_http=os.environ["SESSIONS"] != "on"
)
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(os.environ["PORT"]),
    log_level="warning",
    access_log=False,
)
