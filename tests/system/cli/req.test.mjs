// natter req and natter reply: ask and answer, and tell silence from absence.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Broker, endAll } from './natter.mjs'

let broker

before(async () => (broker = await Broker.start()))
after(() => broker.stop().finally(endAll))

test('a request gets its reply', async () => {
    const reply = await broker.listen(['reply', 'ask', 'yes', '-H', 'By:me', '-n', '1'])
    const req = await broker.run(['req', 'ask', 'really?', '-H', 'Trace:7'])
    assert.equal(req.status, 0)
    assert.match(req.stdout, /^\[#1\] reply in \d+\.\d\d ms\nBy: me\nyes\n\n$/)
    assert.equal(req.stderr, '')
    await reply.ends()
    assert.equal(reply.status, 0)
    assert.match(reply.stdout, /^\[#1\] ask, reply to _INBOX\.\S+\nTrace: 7\nreally\?\n\n$/)
})

test('nobody there: status 4 at once, and a word that says so', async () => {
    const req = await broker.run(['req', 'nobody.home', 'x', '--timeout', '1h'])
    assert.equal(req.status, 4)
    assert.equal(req.stdout, '')
    assert.equal(req.stderr, 'natter: no responders: nobody is listening to nobody.home\n')
})

test('somebody there who does not answer: status 5', async () => {
    const listener = await broker.listen(['sub', 'mute'])
    const req = await broker.run(['req', 'mute', 'x', '-t', '150ms'])
    assert.equal(req.status, 5)
    assert.equal(req.stderr, 'natter: no reply from mute within 150 ms\n')
    await listener.signalled('SIGINT')
})

test('--raw and --json print replies for scripts', async () => {
    const reply = await broker.listen(['reply', 'script', 'answer'])
    const raw = await broker.run(['req', 'script', '', '--raw'])
    assert.equal(raw.stdout, 'answer\n')
    const json = JSON.parse((await broker.run(['req', 'script', '', '--json'])).stdout)
    assert.equal(json.payload, 'answer')
    assert.match(json.subject, /^_INBOX\./)
    assert.ok(json.rtt_ms > 0)
    await reply.signalled('SIGINT')
})

test('payloads may come by standard input, on both sides, byte for byte', async () => {
    const question = Buffer.from([0, 255, 1])
    const answer = Buffer.from([9, 0, 200, 10])
    const reply = await broker.listen(['reply', 'binary', '-n', '1', '--json'], { input: answer })
    const req = await broker.run(['req', 'binary', '--raw'], { input: question })
    await reply.ends()
    assert.deepEqual(req.out, Buffer.concat([answer, Buffer.from('\n')]))
    assert.equal(JSON.parse(reply.stdout).payload_base64, question.toString('base64'))
})

test('--echo answers with the request, headers and all', async () => {
    const reply = await broker.listen(['reply', 'echo', '--echo', '-H', 'Via:natter', '-n', '1'])
    const req = await broker.run(['req', 'echo', 'ho', '-H', 'K:a', '-H', 'K:b', '--json'])
    await reply.ends()
    const { payload, headers } = JSON.parse(req.stdout)
    assert.equal(payload, 'ho')
    assert.deepEqual(headers, { K: ['a', 'b'], Via: ['natter'] })
})

test('--replies waits for as many, or for all that come in time', async () => {
    const responders = [
        await broker.listen(['reply', 'poll', 'a']),
        await broker.listen(['reply', 'poll', 'b']),
    ]
    const two = await broker.run(['req', 'poll', '', '--raw', '--replies', '2', '-t', '1h'])
    assert.equal(two.status, 0)
    assert.deepEqual(two.stdout.split('\n').sort(), ['', 'a', 'b'])

    const all = await broker.run(['req', 'poll', '', '--raw', '--replies', '0', '-t', '500ms'])
    assert.equal(all.status, 0)
    assert.deepEqual(all.stdout.split('\n').sort(), ['', 'a', 'b'])

    const three = await broker.run(['req', 'poll', '', '--raw', '--replies', '3', '-t', '500ms'])
    assert.equal(three.status, 5)
    assert.match(three.stderr, /only 2 of 3 replies from poll within 500 ms/)
    for (const responder of responders) await responder.signalled('SIGINT')
})

test('--queue gives each request to one responder', async () => {
    const responders = [
        await broker.listen(['reply', 'work', 'done', '-q', 'w', '--raw']),
        await broker.listen(['reply', 'work', 'done', '-q', 'w', '--raw']),
    ]
    const req = await broker.run(['req', 'work', '{{n}}', '-n', '40', '--raw'])
    assert.equal(req.status, 0)
    assert.equal(req.stdout, 'done\n'.repeat(40))
    for (const responder of responders) assert.equal((await responder.signalled('SIGINT')).status, 0)
    const numbers = responders.flatMap((r) => r.stdout.trim().split('\n').map(Number))
    assert.deepEqual(numbers.sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i + 1))
})

test('--count stops at the first request without its reply', async () => {
    const reply = await broker.listen(['reply', 'few', 'ok', '-n', '2', '--raw'])
    const req = await broker.run(['req', 'few', '{{n}}', '-n', '5', '--raw'])
    assert.equal(req.status, 4)
    assert.equal(req.stdout, 'ok\nok\n')
    await reply.ends()
    assert.equal(reply.status, 0)
    assert.equal(reply.stdout, '1\n2\n')
})

test('reply ends with 1 when --count was filled by what asked for no reply', async () => {
    const reply = await broker.listen(['reply', 'stray', 'x', '-n', '1'])
    await broker.run(['pub', 'stray', 'no question'])
    await reply.ends()
    assert.equal(reply.status, 1)
    assert.match(reply.stderr, /1 message asked for no reply/)
})

test('reply --timeout: 0, or 5 when --count has not come', async () => {
    assert.equal((await broker.run(['reply', 'x', 'y', '-t', '100ms'])).status, 0)
    const short = await broker.run(['reply', 'x', 'y', '-t', '100ms', '-n', '1'])
    assert.equal(short.status, 5)
    assert.match(short.stderr, /only 0 of 1 messages came in time/)
})

test('reply ends with 130 at Ctrl-C when --count has not come', async () => {
    const reply = await broker.listen(['reply', 'x', 'y', '-n', '1'])
    assert.equal((await reply.signalled('SIGINT')).status, 130)
})
