'use strict';
// What the JavaScript clients see of a node: the one of today, and the one that is still in most
// programs. Both have to find everything they rely on.

const { describe, it, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { Server } = require('./server.js');

const PATIENCE_MS = 20_000; // for what has to come
const clients = {
    '@nats-io/transport-node': require('@nats-io/transport-node'),
    'nats': require('nats'),
};

const encode = (text) => new TextEncoder().encode(text);
const decode = (msg) => new TextDecoder().decode(msg.data);

// The next <count> messages of a subscription, as "subject payload".
async function hear(sub, count) {
    const heard = [];
    for (let i = 0; i < count; i++) {
        const { value, done } = await sub.messages.next();
        assert.ok(!done, `the subscription ended after ${i} of ${count} messages`);
        heard.push(`${value.subject} ${decode(value)}`);
    }
    return heard;
}

// A subscription with one iterator for its whole life.
function subscribe(nc, subject, options) {
    const sub = nc.subscribe(subject, options);
    sub.messages = sub[Symbol.asyncIterator]();
    return sub;
}

for (const [name, client] of Object.entries(clients)) {
    describe(name, { timeout: 90_000 }, () => {
        let server;
        const connections = [];
        const open = async (options) => {
            const nc = await client.connect({ servers: server.address, ...options });
            connections.push(nc);
            return nc;
        };

        before(async () => { server = await Server.start(); });
        after(async () => {
            await Promise.all(connections.map((nc) => nc.close()));
            await server.stop();
        });

        it('connects, and learns who it talks to', async () => {
            const nc = await open({ name: 'a test' });
            assert.equal(nc.getServer(), server.address);
            assert.equal(nc.info.headers, true);
            assert.equal(nc.info.max_payload, 1024 * 1024);
            assert.equal(nc.info.port, server.port);
            assert.match(nc.info.version, /^\d+\.\d+\.\d+/);
            assert.equal(nc.info.client_ip, '127.0.0.1');
        });

        it('flushes, and measures the round trip', async () => {
            const nc = await open();
            await nc.flush();
            assert.ok(await nc.rtt() < PATIENCE_MS);
        });

        it('publishes to a subscriber of another connection, in order', async () => {
            const [nc, other] = [await open(), await open()];
            const sub = subscribe(nc, 'greetings');
            await nc.flush();
            const sent = [];
            for (let i = 0; i < 10_000; i++) {
                other.publish('greetings', encode(String(i)));
                sent.push(`greetings ${i}`);
            }
            assert.deepEqual(await hear(sub, sent.length), sent);
        });

        it('selects by wildcards', async () => {
            const nc = await open();
            const star = subscribe(nc, 'orders.*.paid');
            const rest = subscribe(nc, 'orders.>');
            for (const subject of ['orders', 'orders.1.paid', 'orders.1.sent', 'orders.1.2.paid', 'orders.2.paid'])
                nc.publish(subject, encode('x'));
            assert.deepEqual(await hear(star, 2), ['orders.1.paid x', 'orders.2.paid x']);
            assert.deepEqual(await hear(rest, 4),
                ['orders.1.paid x', 'orders.1.sent x', 'orders.1.2.paid x', 'orders.2.paid x']);
        });

        it('shares the work of a queue group', async () => {
            const members = await Promise.all([open(), open(), open()]);
            const publisher = await open();
            const counts = members.map(() => 0);
            const seen = new Map();
            let finish;
            const finished = new Promise((resolve) => { finish = resolve; });
            for (const [i, nc] of members.entries()) {
                nc.subscribe('work', {
                    queue: 'workers',
                    callback: (error, msg) => {
                        counts[i]++;
                        seen.set(decode(msg), (seen.get(decode(msg)) ?? 0) + 1);
                        if (seen.size === 3000) finish();
                    },
                });
                await nc.flush();
            }
            for (let i = 0; i < 3000; i++) publisher.publish('work', encode(String(i)));
            await finished;
            await Promise.all(members.map((nc) => nc.flush()));
            assert.ok([...seen.values()].every((times) => times === 1), 'some came twice');
            assert.ok(counts.every((count) => count > 500), `uneven: ${counts}`);
        });

        it('asks and is answered', async () => {
            const [nc, other] = [await open(), await open()];
            nc.subscribe('double', {
                callback: (error, msg) => msg.respond(encode(String(2 * Number(decode(msg))))),
            });
            await nc.flush();
            const replies = await Promise.all([...Array(200).keys()].map((i) =>
                other.request('double', encode(String(i)), { timeout: PATIENCE_MS })));
            assert.deepEqual(replies.map(decode), [...Array(200).keys()].map((i) => String(2 * i)));
        });

        it('is told at once when nobody answers', async () => {
            const nc = await open();
            const began = Date.now();
            await assert.rejects(nc.request('nobody', encode('?'), { timeout: PATIENCE_MS }), (error) => {
                const told = error.code === '503' || error.cause?.constructor.name === 'NoRespondersError' ||
                    error.constructor.name === 'NoRespondersError';
                assert.ok(told, `another error: ${error}`);
                return true;
            });
            assert.ok(Date.now() - began < PATIENCE_MS / 2);
        });

        it('sends headers along', async () => {
            const [nc, other] = [await open(), await open()];
            const sub = subscribe(nc, 'with.headers');
            await nc.flush();
            const headers = client.headers();
            headers.append('Color', 'green');
            headers.append('Size', '1');
            headers.append('Size', '2');
            other.publish('with.headers', encode('body'), { headers, reply: 'to.me' });
            const { value: msg } = await sub.messages.next();
            assert.equal(msg.headers.get('Color'), 'green');
            assert.deepEqual(msg.headers.values('Size'), ['1', '2']);
            assert.equal(msg.reply, 'to.me');
            assert.equal(decode(msg), 'body');
        });

        it('gets no more than it asked for', async () => {
            const [nc, other] = [await open(), await open()];
            const sub = subscribe(nc, 'few', { max: 3 });
            const end = subscribe(nc, 'end');
            await nc.flush();
            for (let i = 0; i < 10; i++) other.publish('few', encode(String(i)));
            other.publish('end');
            assert.deepEqual(await hear(sub, 3), ['few 0', 'few 1', 'few 2']);
            await hear(end, 1);
            assert.equal((await sub.messages.next()).done, true);
        });

        it('carries the largest payload', async () => {
            const [nc, other] = [await open(), await open()];
            const sub = subscribe(nc, 'big');
            await nc.flush();
            const body = new Uint8Array(1024 * 1024).map((_, i) => i * 31);
            other.publish('big', body);
            const { value: msg } = await sub.messages.next();
            assert.equal(Buffer.compare(msg.data, body), 0);
        });

        it('is not told its own words without echo', async () => {
            const [nc, other] = [await open({ noEcho: true }), await open()];
            const sub = subscribe(nc, 'echo');
            await nc.flush();
            nc.publish('echo', encode('mine'));
            await nc.flush();
            other.publish('echo', encode('yours'));
            assert.deepEqual(await hear(sub, 1), ['echo yours']);
        });

        it('drains: what is on its way arrives, and then it leaves', async () => {
            const [nc, other] = [await open(), await open()];
            const sub = subscribe(nc, 'drained');
            const end = subscribe(nc, 'end');
            await nc.flush();
            for (let i = 0; i < 1000; i++) other.publish('drained', encode(String(i)));
            other.publish('end');
            await hear(end, 1);
            const drained = nc.drain();
            await hear(sub, 1000);
            assert.equal((await sub.messages.next()).done, true);
            await drained;
            assert.ok(nc.isClosed());
        });

        it('finds a restarted node again, and its subscriptions with it', async () => {
            let own = await Server.start();
            const options = {
                servers: own.address, maxReconnectAttempts: -1, reconnectTimeWait: 20,
                reconnectJitter: 5, waitOnFirstConnect: true,
            };
            const [nc, other] = [await client.connect(options), await client.connect(options)];
            const sub = subscribe(nc, 'news');
            await nc.flush();
            other.publish('news', encode('before'));
            assert.deepEqual(await hear(sub, 1), ['news before']);
            const reconnected = [nc, other].map(async (each) => {
                for await (const status of each.status()) {
                    if (status.type === 'reconnect') return;
                }
            });
            await own.kill();
            own = await Server.start(own.port);
            await Promise.all(reconnected);
            await nc.flush();
            other.publish('news', encode('after'));
            assert.deepEqual(await hear(sub, 1), ['news after']);
            await Promise.all([nc.close(), other.close()]);
            await own.stop();
        });

        it('comes and goes four hundred times', async () => {
            for (let round = 0; round < 20; round++) {
                const crowd = await Promise.all([...Array(20)].map(() =>
                    client.connect({ servers: server.address })));
                await Promise.all(crowd.map((nc) => nc.close()));
            }
        });
    });
}
