// The paths of cases.py in Node.js, HTTP/1.1 and HTTP/2. usage: node server.js ADDRESS PEM KEY
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const http2 = require('http2');
const tls = require('tls');

const [address, certificate, key] = process.argv.slice(2);
const gzip = Buffer.from('H4sIAAAAAAACA8tIzcnJ5wIAIDA6NgYAAAA=', 'base64');

function pairs(request) {
  const found = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i].toLowerCase();
    if (name === ':authority') found.push(['host', request.rawHeaders[i + 1]]);
    else if (!name.startsWith(':')) found.push([name, request.rawHeaders[i + 1]]);
  }
  return found.sort();
}

function trailersOf(raw) {
  const found = [];
  for (let i = 0; i < raw.length; i += 2) found.push([raw[i].toLowerCase(), raw[i + 1]]);
  return found;
}

let count = 0; // of requests: one that nobody sent would show

function echo(request, response, body) {
  count += 1;
  const told = JSON.stringify({
    number: count,
    method: request.method,
    target: request.url,
    fields: pairs(request),
    length: body.length,
    sha256: crypto.createHash('sha256').update(body).digest('hex'),
    trailers: trailersOf(request.rawTrailers),
    version: request.httpVersion,
  });
  // Behind an answer that waits for its reader, Node takes the next request for a broken one.
  if (told.length > 8192 && request.httpVersion === '1.1') response.shouldKeepAlive = false;
  response.writeHead(200, {'content-type': 'application/json',
                           'content-length': Buffer.byteLength(told)});
  response.end(told);
}

function end(response, status, fields, body) {
  response.writeHead(status, fields);
  response.end(body);
}

function stream(response, kind, parts) {
  response.writeHead(200, {'content-type': kind});
  const next = () => {
    if (parts.length === 0) return response.end();
    response.write(parts.shift());
    setImmediate(next);
  };
  next();
}

function answer(request, response, body) {
  const path = request.url.split('?')[0];
  if (path.startsWith('/bytes/')) {
    const length = Number(path.slice('/bytes/'.length));
    const fields = {'content-type': 'application/octet-stream', 'content-length': length};
    return end(response, 200, fields,
               request.method === 'HEAD' ? undefined : Buffer.alloc(length, '0123456789abcdef'));
  }
  switch (path) {
  case '/chunked':
    return stream(response, 'text/plain', ['one\n', 'two\n', 'three\n']);
  case '/events':
    return stream(response, 'text/event-stream',
                  [0, 1, 2, 3, 4].map((number) => `data: ${number}\n\n`));
  case '/empty':
    return end(response, 204, {});
  case '/missing':
    return end(response, 404, {'content-type': 'text/plain', 'content-length': 8}, 'missing\n');
  case '/moved':
    return end(response, 302, {'location': '/echo?moved', 'content-length': 0});
  case '/cookies':
    return end(response, 200, {'set-cookie': ['a=1; Path=/', 'b=2; Secure; HttpOnly'],
                               'content-length': 0});
  case '/etag':
    if (request.headers['if-none-match'] === '"judge"')
      return end(response, 304, {'etag': '"judge"'});
    return end(response, 200, {'etag': '"judge"', 'content-length': 3}, 'tag');
  case '/gzip':
    return end(response, 200, {'content-encoding': 'gzip', 'content-length': gzip.length}, gzip);
  case '/trailers':
    response.writeHead(200, {'content-type': 'text/plain', 'trailer': 'x-sum'});
    response.write('body\n');
    response.addTrailers({'x-sum': '42'});
    return response.end();
  case '/early':
    response.writeEarlyHints({'link': '</style.css>; rel=preload'});
    return end(response, 200, {'content-length': 6}, 'early\n');
  default:
    return echo(request, response, body);
  }
}

function take(request, response) {
  const parts = [];
  let isWhole = true;
  request.on('data', (part) => parts.push(part));
  request.on('aborted', () => { isWhole = false; });
  // Node ends a request that was reset as it ends a whole one; a little later it knows better.
  request.on('end', () => setImmediate(() => {
    if (isWhole) answer(request, response, Buffer.concat(parts));
  }));
  request.on('error', () => {});
}

// A server for each protocol behind one listener: the HTTP/1.1 that http2 falls back to loses
// connections on which it has paused.
const ofHttp1 = http.createServer(take);
const ofHttp2 = http2.createServer({maxHeaderListPairs: 256}, take);
ofHttp2.on('sessionError', () => {});
const listener = tls.createServer({
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  ALPNProtocols: ['h2', 'http/1.1'],
}, (socket) => {
  socket.on('error', () => {});
  (socket.alpnProtocol === 'h2' ? ofHttp2 : ofHttp1).emit('connection', socket);
});
listener.on('tlsClientError', () => {});
listener.listen(443, address);
