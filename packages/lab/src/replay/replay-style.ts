/** The style of the replay page, on top of that of reports. */
export const REPLAY_STYLE = `
[hidden]{display:none}
.controls{position:sticky;top:0;z-index:1;background:var(--page);border-bottom:1px solid var(--line);padding:.6rem 0;display:flex;flex-wrap:wrap;gap:.5rem .9rem;align-items:center}
.buttons{display:flex;flex-wrap:wrap;gap:.3rem}
select,input{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--soft);border-radius:6px;padding:.25rem .7rem}
.controls label{display:flex;align-items:center;gap:.4rem}
#position{padding:0;border:0;accent-color:var(--accent);width:min(20rem,60vw)}
#count{font-variant-numeric:tabular-nums;min-width:7rem}
#sentence{font-size:1.1rem;min-height:3.2em;max-width:none;margin:.9rem 0 .2rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:0 2rem}
.columns>section{min-width:0}
.columns h2{margin-top:1rem}
#around{list-style:none;padding:0;margin:.4rem 0;font-size:var(--small)}
#around li{padding:.15rem .5rem;border-left:4px solid transparent;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
#around li[aria-current]{border-left-color:var(--accent);background:var(--band);font-weight:600}
#around .type{color:var(--soft);font-weight:400}
.fields{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0;font-size:.9rem}
.fields dt{color:var(--soft)}.fields dd{margin:0;overflow-wrap:anywhere}
#question{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;padding:.8rem}
#guess{flex:1 1 12rem}
.memory{max-width:30rem;margin:.7rem 0}.memory p{margin:.1rem 0;font-size:.9rem}
.fill{height:.7rem;border:1px solid var(--soft);border-radius:4px;overflow:hidden}
.fill div{height:100%;background:var(--s0);transition:width .15s}
.level{margin:.9rem 0}
.run{position:relative;list-style:none;padding:0;margin:.3rem 0;height:3.4rem;background:var(--band);border-radius:4px}
.table{position:absolute;bottom:0;border:1px solid var(--s0);border-radius:4px;background:var(--panel);overflow:hidden;white-space:nowrap;padding:0 .3rem;font-size:.78rem;line-height:1.2rem}
.table .keys{display:block;color:var(--soft)}
.noted{outline:3px solid var(--s1);outline-offset:-3px}
.memory.noted{outline-offset:4px}
.note{color:var(--s1);font-weight:650;margin:0 .4rem}
.table .note{margin-left:0}
#bytes pre{max-height:32rem;overflow:auto}
.pages{display:flex;flex-wrap:wrap;gap:3px;margin:.3rem 0}
.pages i{width:1.1rem;height:1.4rem;border:1px solid var(--s0);border-radius:2px;background:var(--panel)}
.level .fill{max-width:30rem}
.touched{margin:.3rem 0;padding-left:1.4rem;font-size:.9rem}
@media (prefers-reduced-motion:reduce){.fill div{transition:none}}
@media (max-width:40rem){.controls{position:static}}
@media print{.controls{display:none}}`
