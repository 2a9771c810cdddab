/** What the worker of the page has in place of msgpackr, which is a tenth of its code: values of lanes are texts. */
import { ExplorerError } from './explorer-error.js'

export class Packr {
  pack(): never {
    throw notAtHand()
  }

  unpack(): never {
    throw notAtHand()
  }
}

function notAtHand(): ExplorerError {
  return new ExplorerError('KVARIUM_NOT_AT_HAND', 'Values of lanes are texts: leave the encoding "msgpack" out of the options')
}
