/**
 * What reports, replays, the explorer and the site share: colours in light and dark, fonts, distances, and the look of headings, links, tables,
 * code and buttons. The site's theme takes its variables of these.
 */

export const LIGHT = `--page:#fbfbf9;--panel:#ffffff;--ink:#1d232b;--soft:#525b66;--line:#d9dde2;--band:#f1f3f4;--band2:#e7eaed;--grid:#e2e5e9;--accent:#0b5cad;--good:#116329;--bad:#a40e26;--hatch:rgba(255,255,255,.62);--s0:#0b62b0;--s1:#b35309;--s2:#0f7561;--s3:#9d2a72;--s4:#5e50c4;--s5:#6b6100;--fill:#0b5cad`
export const DARK = `--page:#12161b;--panel:#191f26;--ink:#e6eaee;--soft:#a8b2bd;--line:#36404b;--band:#1f262e;--band2:#28313b;--grid:#313a44;--accent:#7fb8f0;--good:#6fd08c;--bad:#ff9492;--hatch:rgba(15,20,26,.55);--s0:#6cb0f5;--s1:#f0a35e;--s2:#5cc9ae;--s3:#ea8cc4;--s4:#b0a5ff;--s5:#d3c64b;--fill:#2f74b5`

/** Fonts, distances and corners, the same in light and dark. */
export const SIZES = `--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;--mono:ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;--text:15px;--leading:1.55;--small:.87rem;--near:.4rem;--apart:1rem;--far:2.6rem;--corner:8px`

/** The rules for text. @param within - A selector with a space after it, such as `.vp-doc `, or nothing for the whole page. */
export function textStyle(within = ''): string {
  const rule = (selectors: string, declarations: string): string =>
    `${selectors
      .split(',')
      .map(selector => within + selector)
      .join(',')}{${declarations}}`
  return [
    rule('h1', 'font-size:1.75rem;line-height:1.2;letter-spacing:0;margin:0 0 var(--near)'),
    rule(
      'h2',
      'font-size:1.25rem;line-height:1.4;letter-spacing:0;margin:var(--far) 0 .5rem;padding-top:.6rem;border-top:2px solid var(--line)',
    ),
    rule('a', 'color:var(--accent);font-weight:inherit;text-decoration:underline;text-underline-offset:3px'),
    rule('p,li', 'line-height:var(--leading)'),
    rule('table', 'border-collapse:collapse;font-size:var(--text);font-variant-numeric:tabular-nums'),
    rule('tr,tr:nth-child(2n)', 'background:none;border:0'),
    rule('th,td', 'border:0;border-bottom:1px solid var(--line);padding:.32rem .6rem;font-size:inherit;vertical-align:top'),
    rule('thead th', 'color:var(--soft);background:none;font-weight:600;font-size:var(--small);vertical-align:bottom'),
    rule('code', 'font-family:var(--mono);font-size:.92em;overflow-wrap:anywhere'),
    rule(
      'button:not([class])',
      'font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--soft);border-radius:6px;padding:.25rem .7rem;cursor:pointer',
    ),
    rule('button:not([class]):hover', 'background:var(--band)'),
  ].join('\n')
}

/** Variables and text for the theme of the site, which says by the class `dark` which colours are in force. */
export function siteStyle(): string {
  return `:root{${LIGHT};${SIZES}}\n.dark{${DARK}}\n${textStyle('.vp-doc ')}\n`
}
