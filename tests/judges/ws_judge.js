// WebSocket with `ws`. usage: node ws_judge.js server ADDRESS PEM KEY
//                             node ws_judge.js client NAME CA           (prints what it saw)
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const WebSocket = require('ws');

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

function serve(address, certificate, key) {
  const server = https.createServer({cert: fs.readFileSync(certificate),
                                     key: fs.readFileSync(key)});
  const sockets = new WebSocket.Server({server, perMessageDeflate: true,
                                        handleProtocols: (protocols) => [...protocols][0]});
  sockets.on('connection', (socket, request) => {
    socket.on('message', (data, isBinary) => {
      if (String(data) === 'close') return socket.close(4001, 'as asked');
      if (String(data) === 'drop') return socket.terminate();
      if (String(data) === 'fields') return socket.send(JSON.stringify(request.headers));
      socket.send(data, {binary: isBinary});
    });
  });
  server.listen(443, address);
}

function open(name, authority, options) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${name}/chat?room=1`, ['judge', 'other'],
                                 {ca: fs.readFileSync(authority), ...options});
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
  });
}

const next = (socket) => new Promise((resolve) => socket.once('message', (data, isBinary) =>
  resolve({isBinary, length: data.length, sha256: digest(data)})));
const text = (socket) => new Promise((resolve) => socket.once('message',
                                                              (data) => resolve(String(data))));
const closed = (socket) => new Promise((resolve) => socket.once('close', (code, reason) =>
  resolve({code, reason: String(reason)})));
const pong = (socket) => new Promise((resolve) => socket.once('pong',
                                                              (data) => resolve(String(data))));

async function run(name, authority, options) {
  const seen = {};
  let socket = await open(name, authority, options);
  seen.protocol = socket.protocol;
  seen.extensions = socket.extensions;
  for (const data of ['', 'hello', 'ü'.repeat(70000), crypto.createHash('sha256')
    .update('seed').digest(), Buffer.alloc(3000000, 'abc')]) {
    const answer = next(socket);
    socket.send(data);
    (seen.echoes ||= []).push(await answer);
  }
  const answer = pong(socket);
  socket.ping('are you there');
  seen.pong = await answer;
  const fields = text(socket);
  socket.send('fields');
  seen.fields = JSON.parse(await fields);
  for (const name of ['sec-websocket-key', 'connection', 'upgrade']) delete seen.fields[name];
  let end = closed(socket);
  socket.send('close');
  seen.closed = await end;
  socket = await open(name, authority, options);
  end = closed(socket);
  socket.send('drop');
  seen.dropped = await end;
  socket = await open(name, authority, options);
  end = closed(socket);
  socket.close(1000, 'done');
  seen.own = await end;
  return seen;
}

async function ask(name, authority) {
  process.stdout.write(JSON.stringify({
    plain: await run(name, authority, {perMessageDeflate: false}),
    deflated: await run(name, authority, {perMessageDeflate: true}),
  }));
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'server') serve(...rest);
else ask(...rest).catch((error) => { console.error(error); process.exit(1); });
