#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server with a limited stock that lies as $LIE says: bench/flash_sale.sh and rush are tested on it.

  honest    grants one unit to each user while there are any, and the same grant again on a repeat
  oversell  grants one more than there are
  keep      refuses although a unit is left
  lose      loses a grant that was answered
  invent    stores grants that were never answered
  late      refuses a user, and grants to later ones
  change    gives a repeat another time
  forget    refuses a repeat
  renew     answers a repeat as if it were new
  mute      grants every tenth, but does not answer
  busy      answers every tenth with 503
  close     closes the connection after every tenth answer
  slow      answers 100 ms after the request"""
import asyncio
import json
import os

LIE = os.environ['LIE']
units = 0
grants = {}  # user: time of the grant
asked = 0


def refused():
    return '409 Conflict', '{"granted":false}'


def granted(status, user):
    return status, json.dumps({'granted': True, 'granted_at': grants[user], 'user_id': user})


def again(user):
    if LIE == 'forget':
        return refused()
    if LIE == 'change':
        grants[user] += 1
    return granted('201 Created' if LIE == 'renew' else '200 OK', user)


def grant(user):
    """None: no answer."""
    global asked
    asked += 1
    if user in grants:
        return again(user)
    if LIE == 'late' and asked == 10:
        return refused()
    if LIE == 'busy' and asked % 10 == 0:
        return '503 Service Unavailable', '{}'
    if len(grants) >= units + {'oversell': 1, 'keep': -1}.get(LIE, 0):
        return refused()
    grants[user] = asked
    return None if LIE == 'mute' and asked % 10 == 0 else granted('201 Created', user)


def answer(method, path, body):
    global units
    if path == '/healthy':
        return '200 OK', 'OK'
    if method == 'POST' and path.endswith('/grant'):
        return grant(json.loads(body)['user_id'])
    if method == 'POST':
        units = json.loads(body)['total_count']
        return '201 Created', '{"id":"dsc-1"}'
    count = len(grants) + {'lose': -1, 'invent': 1}.get(LIE, 0)
    return '200 OK', f'{{"granted_count":{count},"id":"dsc-1"}}'


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b'\r\n\r\n')).decode().split('\r\n')
            body = b''
            for line in head:
                if line.lower().startswith('content-length:'):
                    body = await reader.readexactly(int(line.split(':')[1]))
            if LIE == 'slow':
                await asyncio.sleep(0.1)
            said = answer(*head[0].split(' ')[:2], body)
            if said is None:
                continue
            ends = LIE == 'close' and asked % 10 == 0
            writer.write(f'HTTP/1.1 {said[0]}\r\nContent-Length: {len(said[1])}\r\n'
                         f'{"Connection: close" if ends else "X-Open: yes"}\r\n\r\n{said[1]}'.encode())
            if ends:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    host, port = os.environ['DISCOUNT_LISTEN'].split(':')
    async with await asyncio.start_server(serve, host, int(port)) as server:
        await server.serve_forever()


asyncio.run(main())
