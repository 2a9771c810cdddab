import type { ClassicLevel } from 'classic-level'
import type { Kvarium } from 'kvarium'
import { describe, expectTypeOf, it } from 'vitest'

describe('a store in the place of a ClassicLevel', () => {
  it('has every member that classic-level declares', () => {
    expectTypeOf<Exclude<keyof ClassicLevel, keyof Kvarium>>().toEqualTypeOf<never>()
    expectTypeOf<Kvarium['getProperty']>().toEqualTypeOf<ClassicLevel['getProperty']>()
  })

  it('has the static functions that classic-level declares; its repair resolves to a report', () => {
    expectTypeOf<typeof Kvarium>().toExtend<Pick<typeof ClassicLevel, 'destroy'>>()
    expectTypeOf<typeof Kvarium.repair>().toExtend<(...parameters: Parameters<typeof ClassicLevel.repair>) => Promise<unknown>>()
  })
})
