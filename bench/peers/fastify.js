// SPDX-License-Identifier: MIT
// Node with fastify, and ioredis with auto-pipelining: the commands of one turn of the event loop are sent to
// Redis in one write.
//
//   PORT=8080 REDIS_URL=redis://127.0.0.1:6379 GRANT_LUA=grant.lua node fastify.js
'use strict'
const { randomUUID } = require('node:crypto')
const { readFileSync } = require('node:fs')
const fastify = require('fastify')
const { Redis } = require('ioredis')

const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true })
redis.defineCommand('grant', { numberOfKeys: 3, lua: readFileSync(process.env.GRANT_LUA, 'utf8') })

const app = fastify({ logger: false })
const text = { type: 'string' }
const count = { type: 'integer' }
const granted = {
  type: 'object',
  properties: { discount_code: text, discount_id: text, granted: { type: 'boolean' }, granted_at: text, user_id: text }
}
const asked = { type: 'object', required: ['user_id'], properties: { user_id: { type: 'string', minLength: 1, maxLength: 128 } } }
const created = {
  type: 'object',
  required: ['brand_id', 'discount_code', 'total_count'],
  properties: { brand_id: text, discount_code: text, total_count: count }
}
const counted = { type: 'object', properties: { granted_count: count, id: text, total_count: count } }

app.get('/healthy', async () => 'OK')

app.post('/discount', { schema: { body: created } }, async (request, reply) => {
  const id = 'dsc-' + randomUUID()
  await redis.hset(`discount:{${id}}`, request.body)
  reply.code(201)
  return { ...request.body, id }
})

app.post('/discount/:id/grant', { schema: { body: asked, response: { '2xx': granted } } }, async (request, reply) => {
  const { id } = request.params
  const { user_id } = request.body
  const [status, granted_at, discount_code] =
    await redis.grant(`discount:{${id}}`, `discount:{${id}}:grants`, `user:{${user_id}}:discounts`, id, user_id)
  reply.code(status)
  if (status > 201) {
    return { discount_id: id, granted: false }
  }
  return { discount_code, discount_id: id, granted: true, granted_at, user_id }
})

app.get('/discount/:id', { schema: { response: { 200: counted } } }, async (request, reply) => {
  const { id } = request.params
  const [total_count, granted_count] =
    await Promise.all([redis.hget(`discount:{${id}}`, 'total_count'), redis.zcard(`discount:{${id}}:grants`)])
  if (total_count === null) {
    reply.code(404)
    return { granted: false }
  }
  return { granted_count, id, total_count }
})

app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
