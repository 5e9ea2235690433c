// The requests of standard input with Node's own clients. usage: node client.js fetch|http2 NAME CA
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');

const [kind, name, authority] = process.argv.slice(2);
const cases = JSON.parse(fs.readFileSync(0));

const bodyOf = (length) => Buffer.alloc(length, '0123456789abcdef');

function told(one, status, fields, data, trailers, version) {
  return {
    name: one.name, status, fields, trailers, version, length: data.length,
    sha256: crypto.createHash('sha256').update(data).digest('hex'),
    body: data.length < 65536 ? data.toString('latin1') : undefined,
  };
}

async function* parts(body) {
  for (let i = 0; i < body.length; i += 10000) yield body.subarray(i, i + 10000);
}

async function askByFetch(one) {
  const options = {method: one.method, headers: one.fields, redirect: 'manual'};
  if (one.body !== null) {
    options.body = bodyOf(one.body);
    if (one.streamed) {
      options.body = parts(options.body);
      options.duplex = 'half';
    }
  }
  const answer = await fetch(`https://${name}${one.target}`, options);
  const data = Buffer.from(await answer.arrayBuffer());
  return told(one, answer.status, [...answer.headers], data, [], 'fetch');
}

function askByHttp2(session, one) {
  return new Promise((resolve, reject) => {
    const head = {':method': one.method, ':path': one.target};
    for (const [key, value] of one.fields) head[key] = value;
    if (one.body !== null && !one.streamed) head['content-length'] = String(one.body);
    const request = session.request(head, {endStream: one.body === null});
    const data = [];
    let fields = [];
    let status = 0;
    let trailers = [];
    const list = (headers) => Object.entries(headers).flatMap(
      ([key, value]) => key.startsWith(':') ? [] :
        [].concat(value).map((item) => [key, String(item)]));
    request.on('response', (headers) => {
      status = headers[':status'];
      fields = list(headers);
    });
    request.on('trailers', (headers) => { trailers = list(headers); });
    request.on('data', (part) => data.push(part));
    request.on('end', () => resolve(
      told(one, status, fields, Buffer.concat(data), trailers, 'HTTP/2')));
    request.on('error', reject);
    if (one.body !== null) {
      (async () => {
        for await (const part of parts(bodyOf(one.body))) request.write(part);
        request.end();
      })();
    }
  });
}

async function main() {
  const answers = [];
  if (kind === 'fetch') {
    for (const one of cases) answers.push(await askByFetch(one));
  } else {
    const session = http2.connect(`https://${name}`, {ca: fs.readFileSync(authority)});
    session.on('error', (error) => { throw error; });
    // All at once: streams side by side on one connection.
    answers.push(...await Promise.all(cases.map((one) => askByHttp2(session, one))));
    session.close();
  }
  process.stdout.write(JSON.stringify(answers));
}

main().catch((error) => { console.error(error); process.exit(1); });
