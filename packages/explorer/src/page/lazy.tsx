/** A component whose code comes when it is shown first. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

interface LazyProps {
  /** The same function each time. */
  readonly load: () => Promise<ComponentType>
}

export function Lazy({ load }: LazyProps): JSX.Element | null {
  const [loaded, setLoaded] = useState<{ readonly Component: ComponentType; readonly by: LazyProps['load'] } | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    void load().then(Component => {
      if (isCurrent) setLoaded({ Component, by: load })
    })
    return () => {
      isCurrent = false
    }
  }, [load])
  return loaded?.by === load ? <loaded.Component /> : null
}
