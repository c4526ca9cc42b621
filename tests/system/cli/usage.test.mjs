// What is said before anything is sent: help, version, mistakes, and no server.
import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { fakeServer, freePort, HANG_UP, run, runOnTerminal } from './natter.mjs'

const commands = ['pub', 'sub', 'req', 'reply']

test('--help names every command, the environment and the exit statuses', async () => {
    const help = await run(['--help'])
    assert.equal(help.status, 0)
    assert.equal(help.stderr, '')
    for (const word of [...commands, '--server', '--version', 'NATS_URL', 'Exit status'])
        assert.ok(help.stdout.includes(word), word)
})

for (const command of commands) {
    test(`${command} --help shows usage, options, examples and exit statuses`, async () => {
        const help = await run([command, '--help'])
        assert.equal(help.status, 0)
        for (const word of [`Usage: natter ${command} SUBJECT`, '--server URL', 'Examples', 'Exit status'])
            assert.ok(help.stdout.includes(word), word)
        assert.ok(help.stdout.split('\n').every((line) => line.length <= 100), 'fits a terminal')
        assert.equal((await run(['help', command])).stdout, help.stdout)
        assert.equal((await run(['-h', command])).stdout, help.stdout)
    })
}

test('help shows defaults', async () => {
    assert.match((await run(['req', '--help'])).stdout, /--timeout DURATION.*\(default 5s\)/)
})

test('--version shows the version', async () => {
    const version = await run(['--version'])
    assert.equal(version.status, 0)
    assert.match(version.stdout, /^natter \d+\.\d+\.\d+ \(libnats \d+\.\d+\.\d+\)\n$/)
})

const mistakes = [
    [[], /which command\? see 'natter --help'/],
    [['shout'], /there is no command 'shout'; see 'natter --help'/],
    [['help', 'shout'], /there is no command 'shout'/],
    [['--loud', 'pub'], /unknown option '--loud'; see 'natter --help'/],
    [['pub'], /SUBJECT is missing; see 'natter pub --help'/],
    [['pub', 'a', 'b', 'c'], /'c' is one word too many; .* see 'natter pub --help'/],
    [['pub', 'a', '--cuont', '3'], /unknown option '--cuont'; see 'natter pub --help'/],
    [['sub', 'a', '-Z'], /unknown option '-Z'; see 'natter sub --help'/],
    [['sub', 'a', '--count'], /option '--count' needs a value/],
    [['sub', 'a', '-n'], /option '--count' needs a value/],
    [['sub', 'a', '--json=yes'], /option '--json' takes no value/],
    [['sub', 'a', '--count', '0'], /option '--count' takes a number from 1/],
    [['sub', 'a', '--count', '3x'], /option '--count' takes a number/],
    [['sub', 'a', '--count', '-1'], /option '--count' takes a number/],
    [['req', 'a', '', '--timeout', 'soon'], /option '--timeout' takes a duration/],
    [['req', 'a', '', '--timeout', '0'], /option '--timeout' takes a duration/],
    [['req', 'a', '', '--timeout=-5s'], /option '--timeout' takes a duration/],
    [['sub', 'a', '--raw', '--json'], /--raw and --json exclude each other/],
    [['reply', 'a', 'b', '--echo'], /--echo answers with the request/],
    [['pub', 'a', 'b', '--lines'], /--lines reads standard input/],
    [['pub', '', 'x'], /subject '' is empty/],
    [['pub', 'a..b', 'x'], /subject 'a\.\.b' has an empty part/],
    [['pub', 'a.*', 'x'], /subject 'a\.\*' has a wildcard/],
    [['pub', 'a b', 'x'], /subject 'a b' has a blank/],
    [['pub', 'a 1\r\nx\r\nPUB b', 'x'], /has a blank/],
    [['pub', 'a', 'x', '--reply', 'r.'], /--reply 'r\.' has an empty part/],
    [['sub', 'a.>.b'], /'>' that is not its last part/],
    [['sub', 'a', '--queue', 'q r'], /--queue 'q r' is empty or has a blank/],
    [['pub', 'a', 'x', '-H', 'nothing'], /a header is written 'Key: value'/],
    [['pub', 'a', 'x', '-H', 'K: v\r\nInjected: yes'], /a header is written 'Key: value'/],
    [['pub', 'a', 'x', '-s', ' , '], /--server takes from 1 to 64 addresses/],
    [['pub', 'a', 'x', '-s', 'nats://host:port'], /cannot make sense of the server's address/],
]

test('mistakes are refused with status 2, a word on what is wrong, and nothing on stdout', async () => {
    for (const [args, expected] of mistakes) {
        const refused = await run(args)
        assert.match(refused.stderr, expected)
        assert.match(refused.stderr, /^natter: /)
        assert.equal(refused.status, 2, args.join(' '))
        assert.equal(refused.stdout, '')
    }
})

for (const command of commands) {
    test(`${command} ends with 3 when no server answers, and names it without its password`, async () => {
        const port = await freePort()
        const refused = await run([command, 'a', '-s', `nats://me:secret@127.0.0.1:${port}`])
        assert.equal(refused.status, 3)
        assert.match(refused.stderr, new RegExp(`no server answers at 127\\.0\\.0\\.1:${port}`))
        assert.doesNotMatch(refused.stderr, /secret/)
    })
}

test('a server that accepts and says nothing is none', async () => {
    const mute = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const refused = await run(['pub', 'a', 'x', '-s', `127.0.0.1:${mute.address().port}`])
    mute.close()
    assert.equal(refused.status, 3)
    assert.match(refused.stderr, /no server answers at/)
})

test('a server that does not let us in ends it with 3 and its own words', async () => {
    const server = await fakeServer((line) =>
        line === 'PING' ? "-ERR 'Authorization Violation'\r\n" : undefined,
    )
    const refused = await run(['sub', 'a', '-s', server.url])
    server.close()
    assert.equal(refused.status, 3)
    assert.match(refused.stderr, /cannot connect to .*: Authorization Violation/i)
})

test('a subscription that the server denies ends sub and reply with 1', async () => {
    const server = await fakeServer((line) =>
        line.startsWith('SUB ')
            ? `-ERR 'Permissions Violation for Subscription to "${line.split(' ')[1]}"'\r\n`
            : undefined,
    )
    for (const command of ['sub', 'reply']) {
        const refused = await run([command, 'secret.plans', '-s', server.url])
        assert.equal(refused.status, 1)
        assert.match(refused.stderr, /the server refused: .*secret\.plans/)
        assert.doesNotMatch(refused.stderr, /listening on/)
    }
    server.close()
})

test('a publish that the server denies ends pub and req with 1', async () => {
    const server = await fakeServer((line) =>
        line.startsWith('PUB ')
            ? `-ERR 'Permissions Violation for Publish to "${line.split(' ')[1]}"'\r\n`
            : undefined,
    )
    for (const command of ['pub', 'req']) {
        const refused = await run([command, 'secret.plans', 'x', '-s', server.url])
        assert.equal(refused.status, 1)
        assert.match(refused.stderr, /the server refused: .*secret\.plans/)
    }
    server.close()
})

test('a server that goes before it confirms ends pub and req with 1', async () => {
    const server = await fakeServer((line) => (line.startsWith('PUB ') ? HANG_UP : undefined))
    for (const command of ['pub', 'req']) {
        const cut = await run([command, 'a', 'x', '-s', server.url])
        assert.equal(cut.status, 1)
        assert.match(cut.stderr, /cannot (be sure that it arrived|wait for the reply|publish)/)
    }
    server.close()
})

test('errors are coloured on a terminal, and not when NO_COLOR is set', async () => {
    assert.match((await runOnTerminal(['pub'])).stdout, /\x1b\[31mnatter: SUBJECT is missing/)
    const plain = await runOnTerminal(['pub'], { NO_COLOR: '1' })
    assert.match(plain.stdout, /natter: SUBJECT is missing/)
    assert.doesNotMatch(plain.stdout, /\x1b/)
})
