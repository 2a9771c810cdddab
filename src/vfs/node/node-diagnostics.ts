import { channel } from 'node:diagnostics_channel'
import type { DiagnosticName, DiagnosticSink } from '../../trace/diagnostics.js'

/** Publishes to the channels `kvarium:flush`, `kvarium:compaction`, and so on. */
export const nodeDiagnostics: DiagnosticSink = {
  hasSubscribers: name => channelOf(name).hasSubscribers,
  publish: (name, message) => channelOf(name).publish(message),
}

function channelOf(name: DiagnosticName): ReturnType<typeof channel> {
  return channel(`kvarium:${name}`)
}
