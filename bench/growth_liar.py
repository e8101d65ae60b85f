#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small discountd in memory that lies as $LIE says: growth.sh is tested on it.

honest; refuse: grants nothing; forget: loses every tenth grant; double: counts each twice; vanish: loses every
tenth discount; hide: ends lists too early."""
import asyncio
import json
import os
from urllib.parse import parse_qs, urlsplit

LIE = os.environ['LIE']
discounts = {}  # id -> users
wallets = {}  # user -> ids
calls = {'create': 0, 'grant': 0}


def is_kept(call, lie):
    calls[call] += 1
    return LIE != lie or calls[call] % 10 != 0


def create():
    number = calls['create']
    if is_kept('create', 'vanish'):
        discounts[f'dsc-{number}'] = []
    return '201 Created', {'id': f'dsc-{number}'}


def grant(discount, user):
    if LIE == 'refuse':
        return '503 Service Unavailable', {}
    if user in discounts[discount]:
        return '200 OK', {'granted': True}
    if is_kept('grant', 'forget'):
        discounts[discount].append(user)
        wallets.setdefault(user, []).append(discount)
    return '201 Created', {'granted': True}


def listing(member, items, query):
    limit, at = int(query.get('limit', ['1000000'])[0]), int(query.get('cursor', ['0'])[0])
    end = len(items) - 1 if LIE == 'hide' else len(items)
    page = {member: items[at:min(at + limit, end)]}
    if at + limit < end:
        page['next_cursor'] = str(at + limit)
    return '200 OK', page


def discount_of(name):
    return {'granted_count': len(discounts[name]) * (2 if LIE == 'double' else 1), 'id': name}


def answer(method, target, body):
    url = urlsplit(target)
    path, query = url.path.split('/')[1:], parse_qs(url.query)
    if path[0] in ('healthy', 'livez'):
        return '200 OK', {}
    if path[0] == 'user':
        return listing('discounts', [discount_of(name) for name in wallets.get(path[1], [])], query)
    if len(path) == 1:
        return create() if method == 'POST' else listing('discounts', [discount_of(name) for name in discounts], query)
    if len(path) == 2:
        return '200 OK', discount_of(path[1])
    if method == 'POST':
        return grant(path[1], json.loads(body)['user_id'])
    if 'user_id' in query:
        return '200 OK' if query['user_id'][0] in discounts[path[1]] else '404 Not Found', {}
    return listing('grants', [{'user_id': user} for user in discounts[path[1]]], query)


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b'\r\n\r\n')).decode().split('\r\n')
            sizes = [int(line.split(':')[1]) for line in head if line.lower().startswith('content-length:')]
            body = await reader.readexactly(sizes[0]) if sizes else b''
            status, document = answer(*head[0].split(' ')[:2], body)
            text = json.dumps(document, separators=(',', ':'))
            writer.write(f'HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}'.encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    host, port = os.environ['DISCOUNT_LISTEN'].split(':')
    async with await asyncio.start_server(serve, host, int(port)) as server:
        await server.serve_forever()


asyncio.run(main())
