// gRPC in all four shapes. usage: node grpc_judge.js server ADDRESS PEM KEY
//                                 node grpc_judge.js client NAME CA        (prints what it saw)
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const same = (value) => value;
const method = (path, requestStream, responseStream) => ({
  path: `/judge.Judge/${path}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same,
  responseDeserialize: same,
});
const service = {
  One: method('One', false, false),
  Down: method('Down', false, true),
  Up: method('Up', true, false),
  Both: method('Both', true, true),
  Fail: method('Fail', false, false),
  Wait: method('Wait', false, true),
};
let cancelled = 0;

function trailers() {
  const metadata = new grpc.Metadata();
  metadata.set('x-trailer', 'told');
  metadata.set('x-binary-bin', Buffer.from([0, 1, 255]));
  return metadata;
}

const handlers = {
  One: (call, done) => done(null, call.request, trailers()),
  Down: (call) => {
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1000, i));
    call.end(trailers());
  },
  Up: (call, done) => {
    let length = 0;
    call.on('data', (part) => { length += part.length; });
    call.on('end', () => done(null, Buffer.from(String(length))));
  },
  Both: (call) => {
    call.on('data', (part) => call.write(part));
    call.on('end', () => call.end());
  },
  Fail: (call, done) => done({code: grpc.status.FAILED_PRECONDITION, details: 'as asked: ü%',
                              metadata: trailers()}),
  Wait: (call) => {
    call.write(Buffer.from(String(cancelled)));
    call.on('cancelled', () => { cancelled += 1; });
  },
};

function serve(address, certificate, key) {
  const server = new grpc.Server();
  server.addService(service, handlers);
  const credentials = grpc.ServerCredentials.createSsl(null, [{
    cert_chain: fs.readFileSync(certificate), private_key: fs.readFileSync(key)}]);
  server.bindAsync(`${address}:443`, credentials, (error) => { if (error) throw error; });
}

const plain = (metadata) => Object.fromEntries(
  Object.entries(metadata.getMap()).filter(([key]) => key.startsWith('x-'))
    .map(([key, value]) => [key, Buffer.isBuffer(value) ? value.toString('hex') : value]));

function one(client, name, request) {
  return new Promise((resolve) => {
    let seen = {};
    const call = client[name](request, (error, response) => {
      seen.error = error && {code: error.code, details: error.details};
      seen.response = response && response.toString('latin1');
    });
    call.on('status', (status) => resolve({...seen, code: status.code,
                                           trailers: plain(status.metadata)}));
  });
}

function collect(call) {
  return new Promise((resolve) => {
    let length = 0;
    let count = 0;
    call.on('data', (part) => { length += part.length; count += 1; });
    call.on('error', () => {});
    call.on('status', (status) => resolve({length, count, code: status.code,
                                           trailers: plain(status.metadata)}));
  });
}

function up(client) {
  return new Promise((resolve, reject) => {
    const call = client.Up((error, response) => error ? reject(error) : resolve(String(response)));
    for (let i = 0; i < 200; i++) call.write(Buffer.alloc(3000, i));
    call.end();
  });
}

async function both(client) {
  const call = client.Both();
  const seen = collect(call);
  for (let i = 0; i < 50; i++) call.write(Buffer.alloc(i * 100, i));
  call.end();
  return seen;
}

function cancel(client) {
  return new Promise((resolve) => {
    const call = client.Wait(Buffer.alloc(0));
    call.on('data', () => call.cancel());
    call.on('error', () => {});
    call.on('status', (status) => resolve(status.code));
  });
}

// The server hears of a cancelled call soon, not at once.
async function cancelledCount(client) {
  return new Promise((resolve) => {
    const call = client.Wait(Buffer.alloc(0));
    call.on('error', () => {});
    call.on('data', (data) => { call.cancel(); resolve(Number(data.toString())); });
  });
}

async function untilCancelled(client, before) {
  for (let i = 0; i < 200; i++) {
    if (await cancelledCount(client) > before) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

async function ask(name, authority) {
  const credentials = grpc.credentials.createSsl(fs.readFileSync(authority));
  const Client = grpc.makeGenericClientConstructor(service, 'Judge');
  const client = new Client(`${name}:443`, credentials);
  const before = await cancelledCount(client);
  const seen = {
    one: await one(client, 'One', Buffer.from('hello')),
    large: (await one(client, 'One', Buffer.alloc(2000000, 'x'))).response.length,
    fail: await one(client, 'Fail', Buffer.alloc(0)),
    down: await collect(client.Down(Buffer.alloc(0))),
    up: await up(client),
    both: await both(client),
    many: (await Promise.all(Array.from({length: 50}, (_, i) =>
      one(client, 'One', Buffer.from(String(i)))))).map((each) => each.response),
    deadline: await new Promise((resolve) => {
      const call = client.Wait(Buffer.alloc(0), {deadline: Date.now() + 300});
      call.on('data', () => {});
      call.on('error', () => {});
      call.on('status', (status) => resolve(status.code));
    }),
    cancel: await cancel(client),
    serverHeard: await untilCancelled(client, before),
  };
  process.stdout.write(JSON.stringify(seen));
  client.close();
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'server') serve(...rest);
else ask(...rest).catch((error) => { console.error(error); process.exit(1); });
