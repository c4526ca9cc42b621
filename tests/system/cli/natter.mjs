// natter: the command line and a broker, as the tests hold them.
//
// Everything waits for a condition: a line said, a process ended, a port that answers. A condition
// that does not come fails the test after PATIENCE_MS, with what was seen so far.
//
// NATTER_BIN   the folder of the programs under test (set by ctest)
// NATTER_NODE  the broker; by default the natter-node in that folder; a nats-server will do

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

const PATIENCE_MS = 20_000
const bin = process.env.NATTER_BIN ?? path.resolve('build/debug/bin')
const natter = path.join(bin, 'natter')
const broker = process.env.NATTER_NODE ?? path.join(bin, 'natter-node')
const running = new Set()

process.on('exit', endAll)

/** A child process whose output is kept, and can be waited for. */
export class Program {
    constructor(file, args, { env = {}, input = null, keepInputOpen = false, outputTo = null } = {}) {
        const hasInput = input !== null || keepInputOpen
        this.words = [path.basename(file), ...args].join(' ')
        this.out = Buffer.alloc(0)
        this.err = Buffer.alloc(0)
        const output = outputTo !== null ? fs.openSync(outputTo, 'w') : 'pipe'
        this.child = spawn(file, args, {
            env: { ...process.env, NATS_URL: '', NO_COLOR: '', ...env },
            stdio: [hasInput ? 'pipe' : 'ignore', output, 'pipe'],
        })
        if (outputTo !== null) fs.closeSync(output)
        running.add(this.child)
        this.child.stdout?.on('data', (data) => (this.out = Buffer.concat([this.out, data])))
        this.child.stderr.on('data', (data) => (this.err = Buffer.concat([this.err, data])))
        this.closed = once(this.child, 'close').then(([status, signal]) => {
            running.delete(this.child)
            this.status = status
            this.signal = signal
        })
        this.child.stdin?.on('error', () => {}) // it may end before it has read all
        if (input !== null) this.child.stdin.write(input)
        if (hasInput && !keepInputOpen) this.child.stdin.end()
    }

    get stdout() {
        return this.out.toString()
    }

    get stderr() {
        return this.err.toString()
    }

    /** Waits until the text of one of its outputs matches. */
    async says(stream, pattern) {
        await within(`${this.words}: ${stream} matching ${pattern}`, this, async () => {
            while (!pattern.test(this[stream])) {
                const ended = await Promise.race([
                    once(this.child[stream], 'data').then(() => false),
                    this.closed.then(() => true),
                ])
                assert.ok(!ended || pattern.test(this[stream]), `${this.words} ended: ${this.stderr}`)
            }
        })
    }

    /** Waits for its end. No sanitizer may have anything to say. */
    async ends() {
        await within(`the end of ${this.words}`, this, () => this.closed)
        assert.doesNotMatch(this.stderr, /Sanitizer|runtime error:/)
        return this
    }

    signalled(name) {
        this.child.kill(name)
        return this.ends()
    }
}

async function within(what, program, wait) {
    let timer
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => {
            program.child.kill('SIGKILL')
            reject(new Error(`waited in vain for ${what}\n${program.stdout}\n${program.stderr}`))
        }, PATIENCE_MS)
    })
    try {
        return await Promise.race([wait(), late])
    } finally {
        clearTimeout(timer)
    }
}

/** Ends what failed tests have left behind, which would keep this process from ending. */
export function endAll() {
    running.forEach((child) => child.kill('SIGKILL'))
}

export async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    server.close()
    await once(server, 'close')
    return port
}

/** True when a server on <port> sends its INFO. */
function answers(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1')
        const end = (isThere) => {
            socket.destroy()
            resolve(isThere)
        }
        socket.once('data', () => end(true))
        socket.once('error', () => end(false))
        socket.once('close', () => end(false))
    })
}

export class Broker {
    static async start(port) {
        const b = new Broker()
        b.port = port ?? (await freePort())
        b.url = `nats://127.0.0.1:${b.port}`
        b.program = new Program(broker, ['-a', '127.0.0.1', '-p', String(b.port)])
        await within('the broker', b.program, async () => {
            while (!(await answers(b.port))) {
                assert.equal(b.program.status, undefined, `broker ended: ${b.program.stderr}`)
                await new Promise((resolve) => setTimeout(resolve, 10)) // between two attempts
            }
        })
        return b
    }

    /** Ends the broker. */
    async stop() {
        this.program.child.kill('SIGTERM')
        await within('the end of the broker', this.program, () => this.program.closed)
    }

    /** Starts a command against this broker. */
    start(args, options = {}) {
        return new Program(natter, args, { ...options, env: { NATS_URL: this.url, ...options.env } })
    }

    /** Runs a command to its end. */
    run(args, options = {}) {
        return this.start(args, options).ends()
    }

    /** Starts `sub` or `reply`, and waits until the server knows of it. */
    async listen(args, options = {}) {
        const program = this.start(args, options)
        await program.says('stderr', /^natter: listening on /m)
        return program
    }
}

/** Runs a command to its end with no broker in its environment. */
export function run(args, options) {
    return new Program(natter, args, options).ends()
}

/** Runs a command on a terminal of its own, and returns what the terminal was shown. */
export async function runOnTerminal(args, env) {
    const quoted = [natter, ...args].map((word) => `'${word}'`).join(' ')
    const script = new Program('script', ['-qec', quoted, '/dev/null'], { env: { TERM: 'xterm', ...env } })
    await within(`the end of ${quoted} on a terminal`, script, () => script.closed)
    return script
}

/** What a fake server's script returns to cut the connection. */
export const HANG_UP = Symbol('hang up')

/** What it returns to leave a PING unanswered. */
export const SILENCE = ''

/**
 * A server that says what the test wants. <script> is called with each line from the client and
 * returns what to send back; undefined stands for what a server does, which is to answer PING.
 */
export async function fakeServer(script) {
    const info = { server_id: 'F', version: '2.9.0', proto: 1, headers: true, max_payload: 1048576 }
    const sockets = new Set()
    const server = net.createServer((socket) => {
        let rest = ''
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => sockets.delete(socket))
        socket.write(`INFO ${JSON.stringify(info)} \r\n`)
        socket.on('data', (data) => {
            const lines = (rest + data).split('\r\n')
            rest = lines.pop()
            for (const line of lines) {
                const said = script(line) ?? (line === 'PING' ? 'PONG\r\n' : SILENCE)
                if (said === HANG_UP) return socket.destroy()
                socket.write(said)
            }
        })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
        url: `nats://127.0.0.1:${server.address().port}`,
        close() {
            sockets.forEach((socket) => socket.destroy())
            server.close()
        },
    }
}
