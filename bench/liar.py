#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that grants everything and counts as $LIE says: the benchmarks are tested on it."""
import asyncio
import os

LIE = os.environ['LIE']  # honest, few, many, refuse
granted = {}


def answer(method, path):
    if path == '/healthy':
        return '200 OK', 'OK'
    if method == 'POST' and path.endswith('/grant'):
        discount = path.split('/')[2]
        granted[discount] = granted.get(discount, 0) + 1
        return ('503 Service Unavailable', '{}') if LIE == 'refuse' else ('201 Created', '{"granted":true}')
    if method == 'POST':
        granted[f'dsc-{len(granted)}'] = 0
        return '201 Created', f'{{"id":"dsc-{len(granted) - 1}"}}'
    if path == '/discount':
        return '200 OK', '{"discounts":[%s]}' % ','.join(f'{{"id":"{discount}"}}' for discount in granted)
    discount = path.split('/')[-1]
    true = granted.get(discount, 0)
    count = {'few': true * 9 // 10, 'many': true * 2 + 100}.get(LIE, true)
    return '200 OK', f'{{"granted_count":{count},"id":"{discount}"}}'


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
