/** `kvarium/observe`: tools for traces: record, step back, describe, export, bill. */
export { tee } from './tee.js'
export { Recorder } from './recorder.js'
export type { RecorderOptions } from './recorder.js'
export { Rewind } from './rewind.js'
export type { Folding } from './rewind.js'
export { FileHistories, type FileChange, type RebuiltFile } from './file-histories.js'
export { eventFromJson, jsonLines, parseJsonLines, toJson } from './json-lines.js'
export { chromeTrace } from './perfetto.js'
export type { ChromeEvent, ChromeTrace } from './perfetto.js'
export { Outline } from './outline.js'
export { PageOrder, type OrderedPage, type PageNode, type PageState } from './page-order.js'
export { UNIT_FREE, UNIT_UNKNOWN, UNIT_USED, UnitStates } from './unit-states.js'
export { outlineLine, parseFeedLine, parseHead } from './feed-lines.js'
export type { FeedHead } from './feed-lines.js'
export { describe } from './describe.js'
export { isVisible, quotedText, shortText, shownBytes, textOfBytes, visibleText } from '../codec/shown-text.js'
export { ReceiptBook } from './receipt-book.js'
export type { ReceiptBookOptions } from './receipt-book.js'
export type {
  Amounts,
  CohortReceipt,
  KindReceipt,
  LaterCause,
  LaterLine,
  Receipt,
  ReceiptState,
  ReceiptTotals,
  Searched,
  UnbilledCause,
  UnbilledLine,
} from './receipt.js'
export { renderReceipt } from './render-receipt.js'
