/** The rules of a log reader, from the simplest to those that are easily overlooked. Each message names the probable mistake. */
import type { LogBytes, LogEnd, ReadLog } from 'kvarium/wal'

export const units = [
  {
    name: 'a log without records is whole',
    check(read: ReadLog): void {
      expectEnd(
        read,
        log().bytes(),
        [],
        { ending: 'whole', validBytes: 16 },
        'The file header of 16 bytes is all there is: no records, and a whole log.',
      )
    },
  },
  {
    name: 'records come in the order of the file',
    check(read: ReadLog): void {
      const bytes = log().record('one').record('second').record('3').bytes()
      expectEnd(
        read,
        bytes,
        ['one', 'second', '3'],
        { ending: 'whole', validBytes: 74 },
        'A frame is a header of 16 bytes and its payload; the next one begins right behind, with no padding.',
      )
    },
  },
  {
    name: 'a record comes with where its frame begins',
    check(read: ReadLog): void {
      const offsets: number[] = []
      read(logBytes(log().record('one').record('two').bytes()), (_payload, offset) => offsets.push(offset))
      demand(
        offsets.join() === '16,35',
        `onRecord must get the offset of the frame, 16 and 35 here, not ${offsets.join()}: neither that of the payload nor that of the next frame.`,
      )
    },
  },
  {
    name: 'lengths are little-endian',
    check(read: ReadLog): void {
      const long = 'x'.repeat(70_000)
      expectEnd(
        read,
        log().record(long).record('y').bytes(),
        [long, 'y'],
        { ending: 'whole', validBytes: 70_049 },
        'A record of 70,000 bytes is not read: words are four bytes, the lowest first.',
      )
    },
  },
  {
    name: 'a record that was not written to its end is dropped, and is no error',
    check(read: ReadLog): void {
      const whole = log().record('kept').record('torn off').bytes()
      for (const cut of [1, 8, 9, 20, 23]) {
        const end = `The last record lacks ${cut} bytes. No caller was promised it: it is dropped, the log is torn, and the records before it are good.`
        expectEnd(read, whole.slice(0, whole.length - cut), ['kept'], { ending: 'torn', validBytes: 36 }, end)
      }
    },
  },
  {
    name: 'a record whose bytes are not what was written is not delivered',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('changed').bytes()
      bytes[bytes.length - 1] ^= 1
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'A payload with one wrong bit was not noticed: compare its checksum before you deliver it.',
      )
      const header = log().record('kept').record('changed').bytes()
      header[36 + 8] ^= 1
      expectEnd(read, header, ['kept'], { ending: 'torn', validBytes: 36 }, 'A header with one wrong bit was not noticed.')
    },
  },
  {
    name: 'nothing behind a bad record is delivered',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('changed').record('good again').bytes()
      bytes[36 + 16] ^= 1
      const delivered = deliveredBy(read, bytes).records
      demand(
        show(delivered) === '[kept]',
        `After a bad record the reader went on: ${show(delivered)}. What is read must be a prefix of what was written: a later write may depend on the lost one.`,
      )
    },
  },
  {
    name: 'a length is not believed before its header is checked',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('length').bytes()
      bytes[36 + 3] = 0x7f
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'A damaged length of 2 GB must not be followed: first the check of the header, then whether the payload fits into the file.',
      )
      const reaching = log().record('kept').frame(1000, 0, 'short').bytes()
      expectEnd(
        read,
        reaching,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'The header is good, but the file ends before the payload does.',
      )
    },
  },
  {
    name: 'a frame is only good at its own place',
    check(read: ReadLog): void {
      const first = log().record('first').bytes()
      const frame = first.subarray(16)
      expectEnd(
        read,
        join(first, frame),
        ['first'],
        { ending: 'torn', validBytes: 37 },
        'A copy of a frame at another place was delivered again. Old frames are left over in files: give the checks the offset where the frame stands.',
      )
    },
  },
  {
    name: 'zeros to the end were written ahead and are no torn record',
    check(read: ReadLog): void {
      const bytes = log().record('kept').bytes()
      expectEnd(
        read,
        join(bytes, new Uint8Array(500)),
        ['kept'],
        { ending: 'blank', validBytes: 36 },
        'Logs are made longer ahead of time: nothing but zeros up to the end is a blank end.',
      )
      expectEnd(
        read,
        join(bytes, new Uint8Array(7)),
        ['kept'],
        { ending: 'blank', validBytes: 36 },
        'Also fewer zeros than a header has are a blank end.',
      )
      const torn = join(bytes, new Uint8Array(500))
      torn[300] = 1
      expectEnd(
        read,
        torn,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'There are zeros, but not to the end: something was written there and is torn. Is a header of zeros taken for the end?',
      )
    },
  },
  {
    name: 'the marker of a clean close ends a log',
    check(read: ReadLog): void {
      const bytes = log().record('kept').marker().bytes()
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'closed', validBytes: 52 },
        'A frame without payload whose second word is its own offset is the marker of a clean close. It is no record.',
      )
      const elsewhere = log().record('kept').frame(0, 0, '').bytes()
      expectEnd(
        read,
        elsewhere,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'A frame without payload whose second word is not its own offset is neither a record nor the marker.',
      )
    },
  },
  {
    name: 'no frame claims that bytes behind it are durable',
    check(read: ReadLog): void {
      expectEnd(
        read,
        log().record('kept').frame(4, 37, 'liar').bytes(),
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'synced is how many bytes were durable when the frame was made, so at most its own offset. A frame that says more is none.',
      )
    },
  },
  {
    name: 'a bad record that had been made durable is damage',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('damaged').record('later', 59).bytes()
      bytes[36 + 18] ^= 1
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'damaged', validBytes: 36 },
        'The last frame says that 59 bytes were durable when it was made, so the record at 36 had been acknowledged as durable. To drop it in silence loses data: look for a good frame behind it with synced above 36.',
      )
    },
  },
  {
    name: 'a later frame that does not vouch for the bad place proves nothing',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('torn').record('later', 36).bytes()
      bytes[36 + 18] ^= 1
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'The last frame says that 36 bytes were durable: those before the bad record. Power loss may keep a later write and lose an earlier one, so this is a torn end, not damage.',
      )
    },
  },
  {
    name: 'a damaged length does not hide the proof behind it',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('damaged').record('later', 59).bytes()
      bytes[36] = 200
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'damaged', validBytes: 36 },
        'The length of the record at 36 is damaged, so where the next frame begins is unknown: try every byte behind.',
      )
    },
  },
  {
    name: 'only a good frame is a proof',
    check(read: ReadLog): void {
      const bytes = log().record('kept').record('torn').record('later', 56).bytes()
      bytes[36 + 18] ^= 1
      bytes[bytes.length - 1] ^= 1
      expectEnd(
        read,
        bytes,
        ['kept'],
        { ending: 'torn', validBytes: 36 },
        'The payload of the later frame is bad, too. Only a frame with both checks right proves anything.',
      )
    },
  },
]

interface LogBuilder {
  record(payload: string, synced?: number): LogBuilder
  marker(): LogBuilder
  /** A frame with the given words, whose checks are right. */
  frame(length: number, synced: number, payload: string): LogBuilder
  bytes(): Uint8Array
}

function log(): LogBuilder {
  let bytes = new Uint8Array(16).fill(0xee)
  const builder: LogBuilder = {
    record: (payload, synced = 0) => builder.frame(payload.length, synced, payload),
    marker: () => builder.frame(0, bytes.length, ''),
    frame: (length, synced, text) => {
      const payload = new TextEncoder().encode(text)
      const header = new DataView(new ArrayBuffer(16))
      const checksum = payloadChecksum(payload, bytes.length)
      const words = [length, synced, checksum, headerCheck(bytes.length, length, synced, checksum)]
      for (const [i, word] of words.entries()) header.setUint32(4 * i, word, true)
      bytes = join(bytes, new Uint8Array(header.buffer), payload)
      return builder
    },
    bytes: () => bytes.slice(),
  }
  return builder
}

function logBytes(bytes: Uint8Array): LogBytes {
  return { bytes, headerCheck, payloadChecksum }
}

function headerCheck(offset: number, length: number, synced: number, checksum: number): number {
  return [offset, length, synced, checksum].reduce(mix, 1)
}

function payloadChecksum(payload: Uint8Array, offset: number): number {
  return payload.reduce(mix, mix(2, offset))
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word ^ 0x5bd1e995, 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function deliveredBy(read: ReadLog, bytes: Uint8Array): { readonly end: LogEnd; readonly records: readonly string[] } {
  const records: string[] = []
  const end = read(logBytes(bytes), payload => records.push(new TextDecoder().decode(payload)))
  return { end, records }
}

function expectEnd(
  read: ReadLog,
  bytes: Uint8Array,
  records: readonly string[],
  expected: Pick<LogEnd, 'ending' | 'validBytes'>,
  message: string,
): void {
  const { end, records: delivered } = deliveredBy(read, bytes)
  const got = `records ${show(delivered)}, ${end.ending} at byte ${end.validBytes}`
  const wanted = `records ${show(records)}, ${expected.ending} at byte ${expected.validBytes}`
  demand(got === wanted, `${message}\n  got:      ${got}\n  expected: ${wanted}`)
}

function show(records: readonly string[]): string {
  return `[${records.map(record => (record.length > 20 ? `${record.slice(0, 5)}… (${record.length})` : record)).join(', ')}]`
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}
