/** A map in sentences, and the options of its points as JavaScript. */
import { bytes, exactBytes, plural, share, significant, times } from '../numbers.js'
import type { EngineReport, MapGap, RunReport } from '../run-report.js'
import { AXES, designMap, factorOver, leastOf, type AxisName, type DesignMap, type DesignPoint } from './design-map.js'

const DOES: Readonly<Record<AxisName, string>> = {
  write: 'writes {} bytes per byte',
  read: 'reads {} bytes per byte asked for',
  space: 'takes {} bytes of files per live byte',
}

/** Which corner the workload wants and why, which point fits it and by which rule, and what is not on the map. Without full stops. */
export function mapSentences(report: RunReport): string[] {
  const design = designMap(report)
  if (design === undefined) return report.map === undefined ? [] : ['No point of the map was measured without problems']
  return [wanted(design), suggestion(design), ...gaps(design)]
}

/** Shares of reads and writes that differ by less are between two corners. */
const CLOSE = 0.1

/** `This workload wants the update corner ...: 67 % of its calls write.` */
function wanted({ map: { mix, weigh }, corner, weights }: DesignMap): string {
  const all = Math.max(1, mix.reads + mix.writes)
  const [one, other] = mix.writes >= mix.reads ? (['write', 'read'] as const) : (['read', 'write'] as const)
  const part = Math.max(mix.reads, mix.writes) / all
  const own = AXES.filter(axis => weigh[axis] !== 1).map(axis => `${axis}=${significant(weigh[axis])}`)
  const numbers = AXES.map(axis => `${axis} ${significant(weights[axis])}`).join(', ')
  const calls = part === 1 ? 'all of its calls' : `${share(Math.round(part * 100) / 100)} of its calls`
  const isBetween = weights.space <= Math.max(weights.write, weights.read) && Math.abs(weights.write - weights.read) < CLOSE
  const place = isBetween ? 'lies between the read and the update corner' : `wants the ${corner} corner`
  return (
    `This workload ${place} of read, update and memory: ${calls} ${one}${part === 1 ? '' : ` and the others ${other}`}, ` +
    `which gives the weights ${numbers}${own.length === 0 ? '' : `, with your --weigh ${own.join(',')}`}`
  )
}

function suggestion({ suggested, frontier, others }: DesignMap): string {
  const least = leastOf([...frontier, ...others].map(point => point.measured))
  const parts = AXES.map(axis => {
    const value = suggested.measured[axis]
    const factor = factorOver(value, least[axis])
    return `${DOES[axis].replace('{}', significant(value))} (${factor < 1.005 ? 'the least' : `${times(factor)} the least`})`
  })
  return (
    `${suggested.engine.name} fits it best: it ${parts[0]}, ${parts[1]} and ${parts[2]}. With each factor over the least raised to its ` +
    `weight, no other product is as small`
  )
}

/** A point is left out if another one is simulated to be better by this factor on one axis, and no worse on any. */
export const FAR_FACTOR = 1.5

/** The rule by which the simulation leaves points out. */
export const FAR_RULE = `another point is simulated to be no worse in writes, reads and space, and ${FAR_FACTOR} times better in one of them`

const WHY: Readonly<Record<MapGap['why'], string>> = {
  prediction: FAR_RULE,
  budget: 'the time was up',
  interrupted: 'the run was interrupted',
}

function gaps({ map: { leftOut, resumed } }: DesignMap): string[] {
  const lines = (['prediction', 'budget', 'interrupted'] as const).flatMap(why => {
    const names = leftOut.filter(gap => gap.why === why).map(gap => gap.name)
    return names.length === 0 ? [] : [`Left out ${plural(names.length, 'point')}, as ${WHY[why]}: ${names.join(', ')}`]
  })
  return [
    ...lines,
    ...(resumed === 0 ? [] : [`${plural(resumed, 'point')} ${resumed === 1 ? 'was' : 'were'} measured by the run that this one resumed`]),
  ]
}

/** The options of a point, to copy. */
export function optionsToCopy({ engine, options }: EngineReport): string {
  const all = Object.entries({ engine, ...options }).map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`)
  return `new Kvarium('./store', {\n${all.map(option => `  ${option},\n`).join('')}})`
}

/** What has to change in the options for more data. */
export function scalingNote({ work, map }: RunReport): string {
  const data = work.entries * (work.keyBytes + work.valueBytes)
  const memory = map === undefined ? '' : `, with ${bytes(map.memoryBytes)} of memory for write buffer, filters and cache`
  return `Sizes are for ${bytes(Math.round(data))} of data${memory}: multiply those in bytes by as many times as your data is larger`
}

/** `fanOut 4, writeBufferSize 256 KiB`: the options in which points differ. */
export function variedOptions({ engine: { engine, options } }: DesignPoint, { map: { dimensions } }: DesignMap): string {
  return dimensions
    .filter(dimension => dimension.engine === engine && options[dimension.option] !== undefined)
    .map(({ option }) => {
      const value = options[option]
      return `${option} ${typeof value === 'number' && value >= 1024 ? exactBytes(value) : value}`
    })
    .join(', ')
}
