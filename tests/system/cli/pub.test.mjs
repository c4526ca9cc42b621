// natter pub: what is published is what was asked for, and 0 means that the server has it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Broker, endAll, fakeServer, run, SILENCE } from './natter.mjs'

let broker

before(async () => (broker = await Broker.start()))
after(() => broker.stop().finally(endAll))

/** What one subscriber to <subject> receives while <publish> runs: JSON objects. */
async function received(subject, count, publish) {
    const sub = await broker.listen(['sub', subject, '--json', '-n', String(count)])
    await publish()
    await sub.ends()
    assert.equal(sub.status, 0)
    return sub.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))
}

async function publish(args, options) {
    const pub = await broker.run(['pub', ...args], options)
    assert.equal(pub.stdout, '')
    assert.equal(pub.status, 0, pub.stderr)
    return pub
}

test('the payload may be an argument', async () => {
    const [message] = await received('arg', 1, async () => {
        const pub = await publish(['arg', 'hello'])
        assert.equal(pub.stderr, 'natter: published 1 message, 5 bytes, to arg\n')
    })
    assert.deepEqual(message, { subject: 'arg', payload: 'hello' })
})

test('the payload may be standard input, byte for byte', async () => {
    const bytes = Buffer.from([0, 1, 10, 13, 255, 254, 10])
    const [message] = await received('stdin', 1, () => publish(['stdin'], { input: bytes }))
    assert.deepEqual(Buffer.from(message.payload_base64, 'base64'), bytes)
    assert.equal(message.payload, undefined)
})

test('an argument wins over standard input, an empty one too', async () => {
    const messages = await received('both', 2, async () => {
        await publish(['both', 'argument'], { input: 'input' })
        await publish(['both', ''], { input: 'input' })
    })
    assert.deepEqual(messages.map((m) => m.payload), ['argument', ''])
})

test('a payload that begins with a dash follows --', async () => {
    const [message] = await received('dash', 1, () => publish(['dash', '--', '-5']))
    assert.equal(message.payload, '-5')
})

test('--header is repeatable, keeps order within a key, and trims the blank after the colon', async () => {
    const [message] = await received('headers', 1, () =>
        publish(['headers', 'x', '-H', 'Trace: a1', '--header', 'Tag:one', '--header=Tag:two:2']),
    )
    assert.deepEqual(message.headers, { Tag: ['one', 'two:2'], Trace: ['a1'] })
})

test('--reply names where answers go', async () => {
    const [message] = await received('with.reply', 1, () => publish(['with.reply', 'x', '--reply', 'answers.here']))
    assert.equal(message.reply, 'answers.here')
})

test('--count sends copies, numbered where the payload says {{n}}', async () => {
    const messages = await received('copies', 3, () => publish(['copies', '<{{n}}|{{n}}>', '--count', '3']))
    assert.deepEqual(messages.map((m) => m.payload), ['<1|1>', '<2|2>', '<3|3>'])
})

test('without --count a payload is nobody\'s template', async () => {
    const [message] = await received('template', 1, () => publish(['template', '{{n}}']))
    assert.equal(message.payload, '{{n}}')
})

test('--interval waits between messages, not after the last', async () => {
    const begin = process.hrtime.bigint()
    await publish(['spaced', 'x', '-n', '3', '--interval', '100ms'])
    assert.ok(process.hrtime.bigint() - begin >= 200_000_000n)
})

test('--lines publishes each line as it comes', async () => {
    const sub = await broker.listen(['sub', 'lines', '--raw'])
    const pub = broker.start(['pub', 'lines', '--lines'], { keepInputOpen: true })
    pub.child.stdin.write('first\n')
    await sub.says('stdout', /^first\n$/) // while pub still reads
    pub.child.stdin.end('\nlast, without line break')
    await pub.ends()
    assert.equal(pub.status, 0)
    await sub.says('stdout', /^first\n\nlast, without line break\n$/)
    await sub.signalled('SIGTERM')
})

test('many messages arrive, all and in order', async () => {
    const sub = await broker.listen(['sub', 'many', '--raw', '-n', '20000'])
    await publish(['many', '{{n}}', '-n', '20000'])
    await sub.ends()
    assert.equal(sub.stdout, Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join(''))
})

test('the server may be named before the command, or after, or several', async () => {
    const elsewhere = { env: { NATS_URL: 'nats://127.0.0.1:1' } }
    const messages = await received('served', 4, async () => {
        await publish(['served', '1', '--server', broker.url], elsewhere)
        await publish(['served', '2', '-s', broker.url.replace('nats://', '')], elsewhere)
        await publish(['served', '3', '-s', `127.0.0.1:1, ${broker.url}`], elsewhere)
        assert.equal((await run(['-s', broker.url, '--quiet', 'pub', 'served', '4'])).status, 0)
    })
    assert.equal(messages.length, 4)
})

test('--quiet leaves only errors', async () => {
    assert.equal((await publish(['quiet', 'x', '--quiet'])).stderr, '')
})

test('a payload beyond the server\'s limit is refused with 1, and the limit named', async () => {
    const pub = await broker.run(['pub', 'large'], { input: Buffer.alloc(2 << 20) })
    assert.equal(pub.status, 1)
    assert.match(pub.stderr, /cannot publish: the server takes 1048576 bytes a message at most/)
})

test('--timeout ends the wait for a server that does not confirm, with 5', async () => {
    let pings = 0
    const server = await fakeServer((line) => (line === 'PING' && ++pings > 1 ? SILENCE : undefined))
    const pub = await run(['pub', 'a', 'x', '-s', server.url, '--timeout', '200ms'])
    server.close()
    assert.equal(pub.status, 5)
    assert.match(pub.stderr, /does not confirm it in time/)
})
