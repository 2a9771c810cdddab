/** The files of the hash engine: data files in the framing of logs, each with a hint file, and logs that will become data files. */
import { logName, parseLogName } from '../../engine/durable/log-names.js'
import { dataName, hintName, parseDataName, parseHintName } from '../../hash/file-names.js'
import { dataFilesIn } from '../../hash/recovery.js'
import { drain, type DirectoryView, type EngineInspector } from '../engine-inspector.js'
import { LogDecoder } from '../log-decoder.js'
import { HintDecoder } from './hint-decoder.js'

const HINT_MAGIC = 'KVHINT'

export const hashInspector: EngineInspector = {
  engine: 'hash',
  formats: [
    { kind: 'data', parseName: parseDataName, decoder: context => new LogDecoder(context) },
    {
      kind: 'hint',
      parseName: hintNumber,
      hasContent: ({ textAt }) => textAt(0, HINT_MAGIC.length) === HINT_MAGIC,
      decoder: context => new HintDecoder(context),
    },
  ],
  look,
}

function hintNumber(name: string): { readonly number: number } | undefined {
  const number = parseHintName(name)
  return number === undefined ? undefined : { number }
}

async function look(directory: DirectoryView): Promise<void> {
  const names = [...directory.sizes.keys()]
  const inForce = dataFilesIn(names)
  for (const name of inForce) {
    const { number, from, to } = name
    const hint = hintName(number)
    const hasHint = directory.sizes.has(hint)
    const what = number === from ? `log ${from}, sealed` : `what is left of logs ${from} to ${to}`
    directory.describe(dataName(name), 'current', `${what}${hasHint ? '' : '; it has no hint file'}`)
    if (!hasHint) continue
    directory.describe(hint, 'current', `the hint file of data file ${number}`)
    await directory.read(hint, inspection => drain(inspection))
  }
  for (const name of names) {
    if (directory.isDescribed(name)) continue
    if (parseDataName(name) !== undefined) directory.describe(name, 'obsolete', 'merged into another data file')
    if (parseHintName(name) === undefined) continue
    directory.describe(name, 'extra', 'the hint file of no data file in force')
    await directory.read(name, inspection => {
      drain(inspection)
      const data = inspection.decoder instanceof HintDecoder ? inspection.decoder.data : undefined
      if (data === undefined || names.includes(logName(data.to)) || inForce.some(({ from, to }) => from <= data.from && to >= data.to))
        return
      directory.problem(dataName(data), 'it is missing, and its hint file is there')
    })
  }
  const first = (inForce[inForce.length - 1]?.to ?? 0) + 1
  const logs = names.flatMap(name => parseLogName(name) ?? []).filter(number => number >= first)
  if (logs.length === 0) directory.problem(dataName({ number: first, from: first, to: first }), 'the log behind the data files is missing')
  directory.addFacts({ name: 'data files', value: inForce.length })
  await directory.logs(first, logs)
}
