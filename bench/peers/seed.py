# SPDX-License-Identifier: MIT
"""The first design of this service: Flask under gunicorn, redis-py, Redis.

PORT and REDIS_URL configure it; bench/peers/peers.sh has the command.
"""
import os
import pathlib
import uuid

import flask
import redis

app = flask.Flask(__name__)
store = redis.Redis.from_url(os.environ['REDIS_URL'])
grant_script = store.register_script(pathlib.Path(__file__).with_name('grant.lua').read_text())


@app.get('/healthy')
def healthy():
    return 'OK'


@app.post('/discount')
def create():
    discount = flask.request.get_json()
    row = {name: discount[name] for name in ('brand_id', 'discount_code', 'total_count')}
    discount['id'] = f'dsc-{uuid.uuid4()}'
    store.hset(f'discount:{{{discount["id"]}}}', mapping=row)
    return discount, 201


@app.post('/discount/<discount_id>/grant')
def grant(discount_id):
    user = flask.request.get_json()['user_id']
    status, granted_at, code = grant_script(
        keys=[f'discount:{{{discount_id}}}', f'discount:{{{discount_id}}}:grants', f'user:{{{user}}}:discounts'],
        args=[discount_id, user])
    if status > 201:
        return {'discount_id': discount_id, 'granted': False}, status
    return {'discount_code': code.decode(), 'discount_id': discount_id, 'granted': True,
            'granted_at': granted_at.decode(), 'user_id': user}, status


@app.get('/discount/<discount_id>')
def get(discount_id):
    pipeline = store.pipeline(transaction=False)
    pipeline.hget(f'discount:{{{discount_id}}}', 'total_count')
    pipeline.zcard(f'discount:{{{discount_id}}}:grants')
    total, granted = pipeline.execute()
    if total is None:
        flask.abort(404)
    # Without blanks, like all peers: the benchmark finds the count by its name.
    return flask.Response(f'{{"granted_count":{granted},"id":"{discount_id}","total_count":{int(total)}}}',
                          mimetype='application/json')
