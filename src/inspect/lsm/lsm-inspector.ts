/**
 * The files of the LSM tree: `CURRENT` names the manifest, which names the tables and logs. Data blocks are not read here; the manifest and
 * the footers of tables are.
 */
import { blobName, CURRENT, CURRENT_TEMPORARY, manifestName, parseFileName, tableName, type NumberedFile } from '../../lsm/file-names.js'
import { readEdit } from './edit-spans.js'
import { drain, type DirectoryView, type EngineInspector, type FileFormat } from '../engine-inspector.js'
import { LogDecoder } from '../log-decoder.js'
import { ManifestDecoder, versionOutline } from './manifest-decoder.js'
import { counted } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import { TableDecoder } from './table-decoder.js'
import { CurrentDecoder } from '../text-decoders.js'

const TABLE_MAGIC = 'kvsstab\n'

export const lsmInspector: EngineInspector = {
  engine: 'lsm',
  formats: [
    {
      kind: 'manifest',
      parseName: numbered('manifest'),
      readRecord: payload => void readEdit(new SpanReader(payload, 0), 0),
      decoder: context => new ManifestDecoder(context),
    },
    {
      kind: 'table',
      parseName: numbered('table'),
      hasContent: ({ bytes, textAt }) => textAt(bytes - TABLE_MAGIC.length, TABLE_MAGIC.length) === TABLE_MAGIC,
      decoder: context => new TableDecoder(context),
    },
    { kind: 'blob', parseName: numbered('blob'), decoder: context => new LogDecoder(context) },
    {
      kind: 'current',
      parseName: name => (name === CURRENT || name === CURRENT_TEMPORARY ? {} : undefined),
      hasContent: ({ textAt }) => /^MANIFEST-\d/.test(textAt(0, 10)),
      decoder: context => new CurrentDecoder(context),
    },
  ],
  look,
}

function numbered(kind: NumberedFile['kind']): FileFormat['parseName'] {
  return name => {
    const file = parseFileName(name)
    return file?.kind === kind ? file : undefined
  }
}

async function look(directory: DirectoryView): Promise<void> {
  const { sizes } = directory
  if (!sizes.has(CURRENT)) {
    directory.problem(CURRENT, 'it is missing: which tables belong to the store is not known')
    return
  }
  const name = await directory.read(CURRENT, inspection => {
    drain(inspection)
    return inspection.facts()[0]?.value as string | undefined
  })
  directory.describe(CURRENT, 'current', `names the current manifest${name === undefined ? '' : `, ${name}`}`)
  if (name === undefined) return
  if (!sizes.has(name)) {
    directory.problem(name, `it is missing, but ${CURRENT} names it`)
    return
  }
  await directory.read(name, async inspection => {
    drain(inspection)
    const manifest = inspection.decoder
    if (!(manifest instanceof ManifestDecoder)) {
      directory.problem(name, `${CURRENT} names it, but it is a ${inspection.title}`)
      return
    }
    directory.describe(name, 'current', 'lists the tables and logs of the store')
    await lookAtTables(directory, manifest)
    lookAtBlobs(directory, manifest)
    await directory.logs(manifest.firstLog, manifest.liveLogs)
    directory.addOutline(...versionOutline(manifest.version, directory.preview))
    const tables = [...manifest.version.files()]
    directory.addFacts(
      { name: 'tables', value: `${tables.length} (${counted(sum(tables.map(file => file.meta.fileBytes)), 'byte')})` },
      { name: 'entries in tables', value: sum(tables.map(file => file.meta.entries)) },
    )
  })
  for (const [other] of sizes) {
    const kind = parseFileName(other)?.kind
    if (directory.isDescribed(other)) continue
    if (kind === 'manifest') directory.describe(other, other > name ? 'extra' : 'obsolete', `not current; ${name} is`)
    if (kind === 'table' || kind === 'blob') directory.describe(other, 'extra', 'in no version: being written, or left over')
  }
}

async function lookAtTables(directory: DirectoryView, manifest: ManifestDecoder): Promise<void> {
  for (const { meta } of manifest.version.files()) {
    const name = tableName(meta.number)
    const bytes = directory.sizes.get(name)
    directory.describe(name, 'current', `level ${meta.level} run ${meta.run}, ${counted(meta.entries, 'entry', 'entries')}`)
    if (bytes === undefined) directory.problem(name, `it is missing, but ${manifestName(manifest.number)} names it`)
    else if (bytes !== meta.fileBytes) directory.problem(name, `it has ${bytes} bytes where the manifest says ${meta.fileBytes}`)
    // The footer alone, which is the last part.
    if (bytes !== undefined) await directory.read(name, inspection => drain(inspection, inspection.bytes - 1))
  }
}

function lookAtBlobs(directory: DirectoryView, manifest: ManifestDecoder): void {
  const { blobs, liveBlobBytes } = manifest.version
  for (const { meta } of blobs.values()) {
    const name = blobName(meta.number)
    const bytes = directory.sizes.get(name)
    const live = counted(liveBlobBytes.get(meta.number) ?? 0, 'byte')
    directory.describe(name, 'current', `values of tables: ${live} of ${meta.valueBytes} in use`)
    if (bytes === undefined) directory.problem(name, `it is missing, but ${manifestName(manifest.number)} names it`)
    else if (bytes < meta.fileBytes) directory.problem(name, `it has ${bytes} bytes where the manifest says ${meta.fileBytes}`)
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
