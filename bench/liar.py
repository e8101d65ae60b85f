#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that grants whatever is asked and counts as $LIE says: the benchmarks' own test."""
import asyncio
import os

LIE = os.environ['LIE']  # honest, few, many, refuse
granted = 0


def answer(method, path):
    global granted
    if path == '/healthy':
        return '200 OK', 'OK'
    if method == 'POST' and path.endswith('/grant'):
        granted += 1
        return ('503 Service Unavailable', '{}') if LIE == 'refuse' else ('201 Created', '{"granted":true}')
    count = {'few': granted * 9 // 10, 'many': granted * 2 + 100}.get(LIE, granted)
    return '200 OK', '{"granted_count":%d,"id":"dsc-1"}' % count


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b'\r\n\r\n')).decode().split('\r\n')
            for line in head:
                if line.lower().startswith('content-length:'):
                    await reader.readexactly(int(line.split(':')[1]))
            status, body = answer(*head[0].split(' ')[:2])
            writer.write(f'HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    host, port = os.environ['DISCOUNT_LISTEN'].split(':')
    async with await asyncio.start_server(serve, host, int(port)) as server:
        await server.serve_forever()


asyncio.run(main())
