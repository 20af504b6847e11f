// SPDX-License-Identifier: Apache-2.0
// Uploads with tus-js-client, as web clients do, and compares what the server then has.
//
//   node client.mjs FOLDER-URL USER:PASSWORD SEED COMMAND ARGUMENTS...
//     resume COUNT MEBIBYTES      files, one after the other, each broken off at random places and gone on with
//     parallel COUNT MEBIBYTES    as many at once, each broken off once
//     large MEBIBYTES FILE        a sparse file, made at FILE, broken off three times
import { createHash } from 'node:crypto'
import { createReadStream, openSync, closeSync, ftruncateSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.env.TUS_MODULES, 'package.json'))
const tus = require('tus-js-client')

const [folder, login, seed, command, ...rest] = process.argv.slice(2)
const headers = { Authorization: 'Basic ' + Buffer.from(login).toString('base64') }

// Park and Miller's generator: the same numbers for the same seed.
let state = (Number(seed) % 2147483646) + 1
function random(below) {
  state = (state * 48271) % 2147483647
  return Math.floor((state / 2147483647) * below)
}

function randomBytes(size) {
  const out = Buffer.alloc(size)
  for (let i = 0; i + 4 <= size; i += 4) out.writeUInt32LE(random(0xffffffff), i)
  return out
}

// One run from where the upload stands; broken off when `stopAt` bytes were sent. Gives the URL, and whether it is done.
function run(makeSource, size, name, { url, stopAt, sha1, chunkSize = Infinity }) {
  return new Promise((resolve, reject) => {
    let stopped = false
    let done = {}
    const metadata = { filename: name, mtime: '1600000000' }
    if (sha1) metadata.checksum = 'SHA1 ' + sha1
    const upload = new tus.Upload(makeSource(), {
      endpoint: folder,
      uploadUrl: url,
      uploadSize: size,
      chunkSize,
      metadata,
      headers,
      storeFingerprintForResuming: false,
      retryDelays: [50, 100, 200, 400, 800, 1600],
      onShouldRetry: (error) => {  // the server may still be about to notice that the last one was broken off
        const status = error.originalResponse ? error.originalResponse.getStatus() : 0
        return status === 423 || status === 409 || status === 0
      },
      onAfterResponse: (request, response) => {
        if (response.getHeader('OC-FileId')) done = { id: response.getHeader('OC-FileId'), etag: response.getHeader('OC-ETag'), permissions: response.getHeader('OC-Perm') }
      },
      onProgress: (sent) => {
        if (stopAt === undefined || stopped || sent < stopAt || !upload.url) return
        stopped = true
        upload.abort().then(() => resolve({ url: upload.url, finished: false }), reject)
      },
      onError: (error) => (stopped ? undefined : reject(error)),
      onSuccess: () => (stopped ? undefined : resolve({ url: upload.url, finished: true, ...done })),
    })
    upload.start()
  })
}

// Nothing: the upload is no more, for all bytes had arrived before the break was seen.
async function offsetOf(url) {
  for (;;) {
    const answer = await fetch(url, { method: 'HEAD', headers })  // without Tus-Resumable
    if (answer.status === 200) return Number(answer.headers.get('Upload-Offset'))
    if (answer.status === 404) return undefined
    if (answer.status !== 423) throw new Error(`HEAD of an upload: ${answer.status}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function same(name, sha1, etag) {
  const answer = await fetch(new URL(name, folder), { headers })
  if (answer.status !== 200) throw new Error(`${name}: GET says ${answer.status}`)
  const hash = createHash('sha1')
  for await (const piece of answer.body) hash.update(piece)
  if (hash.digest('hex') !== sha1) throw new Error(`${name}: the content is another one`)
  if (etag && answer.headers.get('ETag') !== etag) throw new Error(`${name}: the etag is not the one of the upload`)
}

async function resumed(name, size, breaks, options = {}) {
  const bytes = randomBytes(size)
  const sha1 = createHash('sha1').update(bytes).digest('hex')
  const source = () => bytes
  let url
  let broken = 0
  for (let i = 0; i < breaks; ++i) {
    const from = url ? await offsetOf(url) : 0
    if (from === undefined) {
      await same(name, sha1)
      return broken
    }
    const outcome = await run(source, size, name, { url, stopAt: from + 1 + random(size - from), sha1, ...options })
    if (outcome.finished) {
      await same(name, sha1, outcome.etag)
      return broken
    }
    ++broken
    url = outcome.url
  }
  if (url && (await offsetOf(url)) === undefined) {
    await same(name, sha1)
    return broken
  }
  const last = await run(source, size, name, { url, sha1, ...options })
  if (!last.id || !last.etag || !last.permissions) throw new Error(`${name}: the last answer lacks id, etag or permissions`)
  await same(name, sha1, last.etag)
  return broken
}

const MIB = 1 << 20
const commands = {
  async resume(count, mebibytes) {
    let broken = 0
    for (let i = 0; i < count; ++i) {
      const options = i % 2 ? { chunkSize: MIB + random(MIB) } : {}
      broken += await resumed(`resume-${i}.bin`, mebibytes * MIB + random(MIB), 1 + random(4), options)
    }
    if (broken === 0) throw new Error('no upload was broken off: nothing was tested')
    return `${count} uploads, broken off ${broken} times`
  },
  async parallel(count, mebibytes) {
    const all = Array.from({ length: count }, (_, i) => resumed(`parallel-${i}.bin`, mebibytes * MIB + random(MIB), 1))
    const broken = (await Promise.all(all)).reduce((a, b) => a + b, 0)
    return `${count} uploads at once, broken off ${broken} times`
  },
  async large(mebibytes, file) {
    const size = mebibytes * MIB
    const fd = openSync(file, 'w')
    ftruncateSync(fd, size)
    for (const at of [0, Math.floor(size / 2), size - 16]) writeSync(fd, randomBytes(16), 0, 16, at)
    closeSync(fd)
    const hash = createHash('sha1')
    for await (const piece of createReadStream(file)) hash.update(piece)
    const sha1 = hash.digest('hex')
    const began = Date.now()
    let url
    for (const part of [0.2, 0.5, 0.9, 2]) {
      if (url) await offsetOf(url) // until the server has let go of what was broken off
      const outcome = await run(() => createReadStream(file), size, 'large.bin', { url, stopAt: part * size, sha1 })
      url = outcome.url
      if (outcome.finished && !outcome.etag) throw new Error('the last answer lacks the etag')
    }
    const seconds = (Date.now() - began) / 1000
    await same('large.bin', sha1)
    return `${mebibytes} MiB in ${seconds.toFixed(1)} s`
  },
}

try {
  console.log(`-- ${command}: ${await commands[command](...rest.map((x) => (isNaN(x) ? x : Number(x))))}`)
} catch (failure) {
  console.error(`${command}, seed ${seed}: ${failure.stack ?? failure}`)
  process.exit(1)
}
