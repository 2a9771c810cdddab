import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { announce } from 'kvarium/explore'
import { openInBrowser } from './explore/open-in-browser.js'
import { PageServer } from './explore/page-server.js'
import { isHeldOpen } from './held-open.js'
import type { Invocation, OutputStream } from './invocation.js'
import { packageRoot } from './package-root.js'
import { UsageError } from './usage-error.js'
import { wholeNumber } from './whole-number.js'

interface ExploreFlags {
  readonly port: number
  readonly open: boolean
}

const HIGHEST_PORT = 65_535

const HELP = `
With the directory of a store, the page begins with a copy of its files in its memory. The store itself is only read, without its lock: while a
program writes to it, the files may not fit together, and the page says so if they do not open.

A program whose store has \`trace: explorerTrace()\` of kvarium/explore shows up in the page while it runs, whichever of the two was started first.

The page is served to this machine alone, at an address that no other program can guess, until Ctrl+C. Nothing leaves the machine.

Examples:
  kvarium explore
  kvarium explore ./planets
  kvarium explore --port 8080 --no-open

The exit code is 2 when the page cannot be served, or when there is no store.
`

export function exploreCommand({ stdout }: Invocation): Command {
  return new Command('explore')
    .description('Open a page that runs storage engines step by step, also on a copy of a store')
    .argument('[directory]', 'a store to begin with')
    .option('--port <n>', 'the port to listen on; 0 for any that is free', wholeNumber(0), 0)
    .option('--no-open', 'only print the address')
    .addHelpText('after', HELP)
    .action((directory: string | undefined, flags: ExploreFlags) => explore(stdout, directory, flags))
}

async function explore(stdout: OutputStream, directory: string | undefined, { port, open }: ExploreFlags): Promise<void> {
  if (port > HIGHEST_PORT) throw new UsageError(`--port ${port}: the highest one is ${HIGHEST_PORT}`)
  if (directory !== undefined && !existsSync(join(directory, 'KVARIUM')))
    throw new UsageError(`${directory} is no store: it has no file KVARIUM`)
  const server = await listen(port, directory)
  if (directory !== undefined && (await isHeldOpen(directory)) === true) {
    stdout.write('A process has the store open: its files may be changing, so the copy may not open. A checkpoint is of one moment.\n')
  }
  const takeBack = await announced(stdout, server.feedAddress)
  stdout.write(`${server.address}\nEnd with Ctrl+C.\n`)
  if (open && stdout.isTTY === true) openInBrowser(server.address)
  await interrupted()
  await takeBack()
  await server.close()
}

/** Says to programs where the explorer is. */
async function announced(stdout: OutputStream, address: string): Promise<() => Promise<void>> {
  try {
    return await announce(address)
  } catch (error) {
    stdout.write(`Programs find this explorer only by explorerTrace({ address: '${address}' }): ${(error as Error).message}\n`)
    return async () => undefined
  }
}

async function listen(port: number, store: string | undefined): Promise<PageServer> {
  try {
    return await PageServer.listen(pageFolder(), { port, store })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw new UsageError(`--port ${port} is in use: leave it out for one that is free`)
    if (code === 'EACCES') throw new UsageError(`--port ${port} is not for this user: leave it out for one that is free`)
    throw error
  }
}

/** The built page. */
function pageFolder(): string {
  const folder = join(packageRoot(), 'dist/explorer')
  if (!existsSync(folder))
    throw new UsageError(`${folder} is missing: in a clone run \`npm run build\`, otherwise install kvarium-cli again`)
  return folder
}

function interrupted(): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      process.off('SIGINT', end).off('SIGTERM', end)
      resolve()
    }
    process.on('SIGINT', end).on('SIGTERM', end)
  })
}
