/** A cache of pages that Keyv keeps in a store. What has expired is hidden at once, and its bytes are reclaimed by compaction. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Keyv } from 'keyv'
import { Kvarium } from 'kvarium'
import { KeyvKvarium } from 'kvarium/keyv'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-cache-'))
const db = new Kvarium(directory)
const pages = new Keyv<{ title: string }>({ store: new KeyvKvarium({ db }), namespace: 'pages', ttl: 60_000 })
await pages.set('home', { title: 'Home' })
await pages.set('news', { title: 'News of this moment' }, 250)
console.log('at once:', await pages.getMany(['home', 'news']))

await setTimeout(260)
console.log('260 ms later:', await pages.getMany(['home', 'news']))
console.log('keys in the store:', (await db.keys().all()).length)

await db.close()
await rm(directory, { recursive: true })
