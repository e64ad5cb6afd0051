"""Serve a folder's clips by RTSP on loopback: python rtsp_files.py FOLDER PORT"""

from __future__ import annotations

import asyncio
import sys

from aio_rtsp_toolkit.server import RtspServer


async def serve(folder: str, port: int) -> None:
    server = RtspServer(folder, host="127.0.0.1", port=port)
    await server.start()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
