// natter sub: prints what comes, when it comes, and says by its status whether all came.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Broker, endAll, runOnTerminal } from './natter.mjs'

let broker

before(async () => (broker = await Broker.start()))
after(() => broker.stop().finally(endAll))

async function publish(...args) {
    assert.equal((await broker.run(['pub', ...args])).status, 0)
}

test('people see subject, reply, headers and payload, without colour in a pipe', async () => {
    const sub = await broker.listen(['sub', 'seen.*', '-n', '2'])
    await publish('seen.one', 'hello', '-H', 'B:2', '-H', 'A:1', '--reply', 'there')
    await publish('seen.two', '')
    await sub.ends()
    assert.equal(sub.stdout, '[#1] seen.one, reply to there\nA: 1\nB: 2\nhello\n\n[#2] seen.two\n\n')
    assert.equal(sub.stderr, 'natter: listening on seen.*\nnatter: received 2 messages, 5 bytes\n')
    assert.equal(sub.status, 0)
})

test('messages are printed as they come', async () => {
    const sub = await broker.listen(['sub', 'live', '--raw'])
    await publish('live', 'one')
    await sub.says('stdout', /^one\n$/)
    await publish('live', 'two')
    await sub.says('stdout', /^one\ntwo\n$/)
    await sub.signalled('SIGINT')
})

test('control bytes in a message do not reach a terminal', async () => {
    const sub = await broker.listen(['sub', 'rude', '-n', '1'])
    await publish('rude', '\x1b[2Jtab\tbell\x07 c1\u009b é', '-H', 'K:\x1b]0;x')
    await sub.ends()
    assert.equal(sub.stdout, '[#1] rude\nK: \\x1b]0;x\n\\x1b[2Jtab\tbell\\x07 c1\\xc2\\x9b é\n\n')
})

test('--raw prints payload bytes and a line break', async () => {
    const bytes = Buffer.from([0, 27, 255, 10, 128])
    const sub = await broker.listen(['sub', 'bytes', '-r', '-n', '1'])
    await broker.run(['pub', 'bytes', '-H', 'K:v'], { input: bytes })
    await sub.ends()
    assert.deepEqual(sub.out, Buffer.concat([bytes, Buffer.from('\n')]))
})

test('--json prints one object a line, whatever the bytes', async () => {
    const sub = await broker.listen(['sub', 'json.>', '-j', '-n', '5'])
    await publish('json.text', 'line\nbreak "quoted" \\ é 😀', '-H', 'K:v', '--reply', 'r')
    await broker.run(['pub', 'json.nul'], { input: Buffer.from([0, 97]) })
    for (const length of [1, 2, 3])
        await broker.run(['pub', 'json.binary'], { input: Buffer.alloc(length, 0xfe) })
    await sub.ends()
    const lines = sub.stdout.split('\n')
    assert.equal(lines.pop(), '')
    assert.deepEqual(lines.map((line) => JSON.parse(line)), [
        {
            subject: 'json.text',
            reply: 'r',
            headers: { K: ['v'] },
            payload: 'line\nbreak "quoted" \\ é 😀',
        },
        { subject: 'json.nul', payload: '\0a' },
        { subject: 'json.binary', payload_base64: '/g==' },
        { subject: 'json.binary', payload_base64: '/v4=' },
        { subject: 'json.binary', payload_base64: '/v7+' },
    ])
})

test('--queue shares messages among the members of the group', async () => {
    const members = [
        await broker.listen(['sub', 'jobs', '--queue', 'workers', '--raw']),
        await broker.listen(['sub', 'jobs', '-q', 'workers', '--raw']),
    ]
    const witness = await broker.listen(['sub', 'jobs', '--raw', '-n', '100'])
    assert.match(members[0].stderr, /listening on jobs in queue group workers/)
    await publish('jobs', '{{n}}', '-n', '100')
    await witness.ends()
    for (const member of members) await member.signalled('SIGINT') // drains: all sent is printed
    const numbers = members.flatMap((member) => member.stdout.trim().split('\n').map(Number))
    assert.deepEqual(numbers.sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i + 1))
    assert.ok(members.every((member) => member.stdout !== ''))
})

test('--count takes no message too many out of its queue group', async () => {
    const first = await broker.listen(['sub', 'tasks', '-q', 'q', '--raw', '-n', '1'])
    await publish('tasks', 'one')
    await first.ends()
    const second = await broker.listen(['sub', 'tasks', '-q', 'q', '--raw', '-n', '2'])
    await publish('tasks', 'copy {{n}}', '-n', '2')
    await second.ends()
    assert.equal(first.stdout + second.stdout, 'one\ncopy 1\ncopy 2\n')
})

test('--timeout ends it: with 0, or with 5 when --count has not come', async () => {
    const free = await broker.run(['sub', 'none', '--timeout', '150ms'])
    assert.equal(free.status, 0)
    assert.match(free.stderr, /received 0 messages, 0 bytes/)

    const short = await broker.listen(['sub', 'some', '--raw', '-n', '2', '-t', '1s'])
    await publish('some', 'only one')
    await short.ends()
    assert.equal(short.status, 5)
    assert.equal(short.stdout, 'only one\n')
    assert.match(short.stderr, /only 1 of 2 messages came in time/)
})

test('--timeout ends it under a stream that never pauses, too', async () => {
    const flood = broker.start(['pub', 'flood', 'x', '-n', '2000000000'])
    const sub = await broker.run(['sub', 'flood', '--raw', '-t', '300ms'])
    flood.child.kill('SIGKILL')
    await flood.closed
    assert.equal(sub.status, 0, sub.stderr)
    assert.notEqual(sub.out.length, 0)
})

for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    test(`${signal} ends it: with 0, or with ${status} when --count has not come`, async () => {
        const free = await broker.listen(['sub', 'x'])
        assert.equal((await free.signalled(signal)).status, 0)
        assert.match(free.stderr, /received 0 messages/)
        const counting = await broker.listen(['sub', 'x', '-n', '1'])
        assert.equal((await counting.signalled(signal)).status, status)
    })
}

test('a signal drains: what the server had already sent is printed', async () => {
    const sub = await broker.listen(['sub', 'drain', '--raw'])
    sub.child.kill('SIGSTOP') // what is published now waits in the socket and at the server
    await publish('drain', '{{n}}'.padEnd(100), '-n', '2000')
    sub.child.kill('SIGINT')
    sub.child.kill('SIGCONT')
    await sub.ends()
    assert.equal(sub.status, 0)
    assert.equal(sub.stdout.split('\n').length - 1, 2000)
})

test('it ends when nobody reads its output any more', async () => {
    const sub = await broker.listen(['sub', 'gone', '--raw'])
    sub.child.stdout.destroy()
    await sub.ends()
    assert.equal(sub.status, 1)
    assert.doesNotMatch(sub.stderr, /cannot write/)
})

test('output that cannot be written ends it with 1 and the reason', async () => {
    const full = broker.start(['sub', 'full', '-n', '1', '-t', '20s'], { outputTo: '/dev/full' })
    await full.says('stderr', /listening on/)
    await publish('full', 'x')
    await full.ends()
    assert.equal(full.status, 1)
    assert.match(full.stderr, /cannot write to standard output: No space left/)
})

test('it outlives its server', async () => {
    let mortal = await Broker.start()
    const sub = await mortal.listen(['sub', 'again', '--raw', '-n', '1'])
    await mortal.stop()
    await sub.says('stderr', /the server is gone/)
    mortal = await Broker.start(mortal.port)
    await sub.says('stderr', /connected again, to 127\.0\.0\.1/)
    assert.equal((await mortal.run(['pub', 'again', 'back'])).status, 0)
    await sub.ends()
    assert.equal(sub.stdout, 'back\n')
    assert.equal(sub.status, 0)
    await mortal.stop()
})

test('Ctrl-C ends it while its server is gone', async () => {
    const mortal = await Broker.start()
    const sub = await mortal.listen(['sub', 'again'])
    await mortal.stop()
    await sub.says('stderr', /the server is gone/)
    await sub.signalled('SIGINT')
    assert.equal(sub.status, 0)
})

test('--quiet says nothing on standard error', async () => {
    const sub = await broker.run(['sub', 'x', '--quiet', '-t', '100ms'])
    assert.equal(sub.stderr, '')
})

test('colour is for terminals', async () => {
    const repeat = broker.start(['pub', 'bright', 'x', '-n', '10000', '-i', '20ms'])
    const env = { NATS_URL: broker.url }
    const shown = await runOnTerminal(['sub', 'bright', '-n', '1'], env)
    const plain = await runOnTerminal(['sub', 'bright', '-n', '1'], { ...env, NO_COLOR: '1' })
    repeat.child.kill('SIGKILL')
    await repeat.closed
    assert.match(shown.stdout, /\x1b\[[0-9;]+m\[#1\] bright\x1b\[0m/)
    assert.match(plain.stdout, /\[#1\] bright/)
    assert.doesNotMatch(plain.stdout, /\x1b/)
})
