'use strict';
// server: the node under test, as a child process. The environment chooses it as for the tests in C:
// NATTER_NODE, NATTER_NODE_ARGS, NATTER_SHARDS (see ../node.h).

const { spawn } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');

const program = process.env.NATTER_NODE || process.env.NATTER_NODE_DEFAULT;
const isReference = path.basename(program ?? '').startsWith('nats-server');
const START_DEADLINE_MS = 20_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A port below those that the kernel gives to outgoing connections.
async function freePort() {
    for (;;) {
        const port = 10_000 + Math.floor(Math.random() * 20_000);
        const isFree = await new Promise((resolve) => {
            const server = net.createServer();
            server.once('error', () => resolve(false));
            server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
        });
        if (isFree) return port;
    }
}

// Whether someone on <port> introduces himself by an INFO.
function answers(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        const end = (result) => { socket.destroy(); resolve(result); };
        socket.setTimeout(1000, () => end(false));
        socket.once('error', () => end(false));
        socket.once('close', () => end(false));
        socket.once('data', (data) => end(data.toString().startsWith('INFO ')));
    });
}

class Server {
    // Starts a node on a free port, or on <port>, and waits until it answers.
    static async start(port) {
        const server = new Server();
        server.port = port ?? await freePort();
        const args = ['-a', '127.0.0.1', '-p', String(server.port)];
        if (process.env.NATTER_SHARDS && !isReference) args.push('--shards', process.env.NATTER_SHARDS);
        args.push(...(process.env.NATTER_NODE_ARGS ?? '').split(' ').filter(Boolean));
        server.log = '';
        // However the test ends, its node does not outlive it.
        const command = ['--pdeathsig', 'KILL', program, ...args];
        server.process = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
        server.process.stdout.on('data', (data) => { server.log += data; });
        server.process.stderr.on('data', (data) => { server.log += data; });
        server.ended = new Promise((resolve) => server.process.once('exit', resolve));
        for (const end = Date.now() + START_DEADLINE_MS; !await answers(server.port); await pause(5)) {
            if (Date.now() > end || server.process.exitCode !== null)
                throw new Error(`${program} does not come up:\n${server.log}`);
        }
        return server;
    }

    get address() {
        return `127.0.0.1:${this.port}`;
    }

    async kill() {
        this.process.kill('SIGKILL');
        await this.ended;
    }

    // Ends the node by SIGTERM, and complains if it does not end well.
    async stop() {
        this.process.kill('SIGTERM');
        const status = await this.ended;
        if (status !== (isReference ? 1 : 0))
            throw new Error(`the node's exit status is ${status}:\n${this.log}`);
    }
}

module.exports = { Server, isReference };
