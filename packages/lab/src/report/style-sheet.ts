/** The style of pages and drawings, in light and dark. Drawings in their own files (next to a Markdown report) include their part. */
import { DARK, LIGHT, SIZES, textStyle } from './shared-style.js'

const SERIES = [0, 1, 2, 3, 4, 5].map(series => `.c${series}{--c:var(--s${series})}`).join('')

const CHART = `
.chart text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--ink)}
.chart .tick{fill:var(--soft);font-size:11px}
.chart .band-name{fill:var(--soft);font-size:11px}
.chart .axis{fill:var(--soft);font-size:11.5px}
.chart .group{font-weight:600}
.chart .value{font-variant-numeric:tabular-nums}
.number{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}
.grid{stroke:var(--grid);stroke-width:1}
.axis-line{stroke:var(--soft);stroke-width:1}
.band{fill:var(--band)}.band.odd{fill:var(--band2)}
${SERIES}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
.marker{fill:var(--c);stroke:var(--panel);stroke-width:1}
.point .marker{fill:var(--panel);stroke:var(--c);stroke-width:1.3}
.point.best .marker{fill:var(--c);stroke:var(--panel)}
.ring{fill:none;stroke:var(--ink);stroke-width:1.8}
.foreseen{fill:none;stroke:var(--c);stroke-width:1.2}
.tie{fill:none;stroke:var(--soft);stroke-width:.8}
.area{fill:var(--c)}.hatch{fill:var(--hatch)}
.layer{stroke:var(--panel);stroke-width:1}
.span{fill:var(--soft);stroke:var(--panel);stroke-width:.6}
.whisker{fill:none;stroke:var(--ink);stroke-width:1.5}`

/** The style of a drawing in its own file: the rules that apply to it, with their variables. */
export function drawingStyle(drawing: string): string {
  const used = new Set([...drawing.matchAll(/ class="([^"]+)"/g)].flatMap(([, classes]) => classes.split(' ')))
  const rules = CHART.split('}')
    .map(rule => `${rule.trim()}}`)
    .filter(rule => [...rule.slice(0, rule.indexOf('{')).matchAll(/\.([\w-]+)/g)].every(([, name]) => used.has(name)))
  const text = rules.filter(rule => rule.length > 1).join('')
  const variables = (all: string): string =>
    all
      .split(';')
      .filter(one => text.includes(`var(${one.slice(0, one.indexOf(':'))})`) || one.startsWith('--panel'))
      .join(';')
  return `svg{${variables(LIGHT)};background:var(--panel)}@media (prefers-color-scheme:dark){svg{${variables(DARK)}}}${text}`
}

/** For the page. */
export const PAGE_STYLE = `:root{color-scheme:light dark;${LIGHT};${SIZES}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);font:var(--text)/var(--leading) var(--sans)}
${textStyle()}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-999px;top:0;background:var(--panel);padding:.5rem 1rem;z-index:1}
.skip:focus{left:0}
header,main,footer,nav{max-width:1240px;margin:0 auto;padding:0 1.25rem}
.brand{font-weight:600;font-size:1rem;max-width:none;margin:0 0 1.5rem;padding:1.1rem 0;border-bottom:1px solid var(--line)}
.brand span{color:var(--soft);font-weight:400;margin-left:.6rem}
h3{font-size:.98rem;margin:0}
p{margin:var(--near) 0;max-width:78ch}
.lead{color:var(--soft)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:var(--apart) 0 0;padding:.6rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;margin:1rem 0;padding:0;list-style:none}
.facts li{background:var(--panel);border:1px solid var(--line);border-radius:var(--corner);padding:.7rem .9rem}
.facts strong{display:block;line-height:1.35}
.facts span{color:var(--soft);font-size:var(--small)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem}
figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:var(--corner);padding:.9rem 1rem;min-width:0}
figcaption p{color:var(--soft);font-size:var(--small);margin:.15rem 0 .5rem}
.figures.uneven{display:block;columns:2 30rem;column-gap:1rem}
.figures.uneven figure{break-inside:avoid;margin-bottom:1rem}
@media (max-width:34rem){.figures.uneven{columns:auto}}
.scroll{position:relative;overflow-x:auto;max-width:100%}
figure .chart{display:block;width:100%;min-width:30rem;height:auto}
@media (max-width:34rem){header,main,footer,nav{padding:0 .75rem}figure{padding:.7rem .6rem}
.scroll{background:linear-gradient(to right,var(--panel) 40%,transparent) 0 0/2.5rem 100% no-repeat local,linear-gradient(to left,var(--panel) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,linear-gradient(to right,var(--line),transparent) 0 0/.9rem 100% no-repeat scroll,linear-gradient(to left,var(--line),transparent) 100% 0/.9rem 100% no-repeat scroll}
.scroll table{background:none}
figure>.scroll:not(details .scroll)::before{content:"wider than the screen: scroll sideways →";position:sticky;left:0;display:block;width:max-content;color:var(--soft);font-size:.78rem}
.panel{padding:.3rem}.panel th[scope=row],details th[scope=row]{position:sticky;left:0;min-width:6.5rem;max-width:8.5rem;background:var(--panel);overflow-wrap:anywhere;box-shadow:1px 0 0 var(--line)}
.panel th[scope=col]:first-child{position:sticky;left:0;background:var(--panel)}th,td{padding:.3rem .45rem}}
details{margin-top:.5rem;font-size:var(--small)}
summary{cursor:pointer;color:var(--accent);width:max-content;padding:.15rem 0}
table{width:100%;background:var(--panel)}
th,td{text-align:right;white-space:nowrap}
th[scope=row],td.text,th.text{text-align:left;white-space:normal}
thead th a,th[scope=row] a{color:inherit;text-decoration:underline dotted;text-underline-offset:3px}
tbody.group>tr:first-child th{background:var(--band);text-align:left;font-size:var(--small)}
th[scope=row]{font-weight:400;min-width:9rem}
td .range{display:block;color:var(--soft);font-size:.78rem;font-weight:400}
th.text+th.text,th:last-child.text{min-width:11rem}
td.best{font-weight:650;color:var(--good)}
td.best::before{content:"▲ ";font-size:.7em;vertical-align:.15em}
td.verdict{text-align:left;min-width:11rem;white-space:normal}
.worse{color:var(--bad)}.better{color:var(--good)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.panel{background:var(--panel);border:1px solid var(--line);border-radius:var(--corner);padding:.3rem .6rem;margin:.8rem 0}
pre{background:var(--panel);border:1px solid var(--line);border-radius:var(--corner);padding:.8rem 1rem;overflow-x:auto;font:13px/1.45 var(--mono)}
dl.definitions{display:grid;gap:.8rem 1.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr))}
dl.definitions dt{font-weight:650}
dl.definitions dd{margin:.1rem 0 0;color:var(--soft)}
.problem{border-left:4px solid var(--bad);padding:.4rem .9rem;background:var(--panel)}
.ok{border-left:4px solid var(--good);padding:.4rem .9rem;background:var(--panel)}
footer{color:var(--soft);font-size:var(--small);text-align:center;margin-top:3rem;padding-bottom:2rem}
footer p{max-width:none;padding-top:var(--apart);border-top:1px solid var(--line)}
${CHART}
@media print{.scroll{overflow:visible}nav,.skip,details{display:none}figure{break-inside:avoid}}`
