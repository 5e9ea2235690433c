"""A WebSocket server that sends back what it gets. usage: websocket_echo.py ADDRESS PEM KEY"""

import asyncio
import ssl
import sys

import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main(address, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with websockets.serve(echo, address, 443, ssl=context, max_size=None):
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
