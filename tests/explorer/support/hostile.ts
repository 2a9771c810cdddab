/** Texts that would turn a sentence around, hide in it or command a terminal, and what may stand in nothing that is shown. */

/** Controls of both sets, marks and isolates of direction, what is not drawn, halves of pairs, line ends of Unicode. */
export const HOSTILE = [
  ...['\0', '\x07', '\b', '\t', '\n', '\r', '\x1b[2J', '\x7f', '\x80', '\x85', '\x9b31m', '\xa0', '\xad'],
  ...['\u034f', '\u061c', '\u115f', '\u180e', '\u200b', '\u200d', '\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u2060'],
  ...['\u2066', '\u2069', '\u3000', '\u3164', '\ufe0f', '\ufeff', '\ufff9', '\ud800', '\udfff', '\ue000', '\u{e0041}'],
]

const RANGES = [
  ...['0-1f', '7f-a0', 'ad-ad', '34f-34f', '61c-61c', '115f-1160', '180b-180f', '2000-200f', '2028-202f', '205f-206f', '3000-3000'],
  ...['3164-3164', 'd800-dfff', 'e000-f8ff', 'fe00-fe0f', 'feff-feff', 'fff9-fffb', 'e0000-e0fff'],
]

/** By number, beside the classes that the code names. */
export const RAW = new RegExp(RANGES.map(range => `[${range.replace(/[0-9a-f]+/g, '\\u{$&}')}]`).join('|'), 'u')
