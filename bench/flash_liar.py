#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server whose stock ends, and which lies as $LIE says: what bench/flash_sale.sh and rush are tried on.

  honest    one unit for each user while there are any, and the same answer again to who has one
  oversell  grants one more than there are
  keep      refuses although a unit is left
  lose      a grant that was answered is not in the store
  invent    in the store are grants of which nobody knows
  late      refuses one, and grants something to those who come after him
  change    who asks again is told another time
  forget    who asks again is refused
  renew     who asks again is granted it as if for the first time
  mute      grants every tenth, and does not say so
  busy      puts off every tenth
  close     ends the connection with every tenth answer
  slow      answers 100 ms after it was asked"""
import asyncio
import json
import os

LIE = os.environ['LIE']
units = 0
grants = {}  # by user, when
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
