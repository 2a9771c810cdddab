import type { ClassicLevel } from 'classic-level'
import type { Kvarium } from 'kvarium'
import { describe, expectTypeOf, it } from 'vitest'

describe('a store in the place of a ClassicLevel', () => {
  it('has every member that classic-level declares', () => {
    expectTypeOf<Exclude<keyof ClassicLevel, keyof Kvarium>>().toEqualTypeOf<never>()
    expectTypeOf<Kvarium['getProperty']>().toEqualTypeOf<ClassicLevel['getProperty']>()
  })
})
