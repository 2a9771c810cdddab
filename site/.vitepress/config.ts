import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'

const chapters = JSON.parse(readFileSync(join(import.meta.dirname, 'chapters.json'), 'utf8')) as { text: string; link: string }[]
const item = (text: string, link: string): { text: string; link: string } => ({ text, link })

export default defineConfig({
  title: 'kvarium',
  description: 'A glass-walled key-value store for Node: real storage engines behind one API, with every byte counted and explained',
  lang: 'en',
  // Nothing is loaded from elsewhere.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  cleanUrls: false,
  lastUpdated: false,
  // A page takes what it shows, not what it leads to.
  router: { prefetchLinks: false },
  metaChunk: true,
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    search: { provider: 'local', options: { miniSearch: { searchOptions: { fuzzy: 0.2, prefix: true } } } },
    outline: { level: [2, 3] },
    nav: [
      item('Start', '/start'),
      item('Guide', '/guide/'),
      { ...item('Explorer', '/explorer/index.html'), target: '_self' },
      item('Documents', '/durability'),
      item('API', '/api/'),
      item('Benchmarks', '/bench/history'),
    ],
    sidebar: [
      {
        text: 'Use',
        items: [
          item('Start', '/start'),
          item('Transactions', '/transactions'),
          item('Expiry', '/expiry'),
          item('Changes', '/changes'),
          item('Backup', '/backup'),
          item('Bulk load', '/bulk-load'),
          item('Copying', '/copying'),
          item('Readers in threads', '/readers'),
          item('Keyv and unstorage', '/drivers'),
          item('Browser', '/browser'),
          item('Bundlers', '/bundlers'),
          item('Runtimes', '/runtimes'),
        ],
      },
      {
        text: 'Operate',
        items: [
          item('Durability', '/durability'),
          item('Watching a store', '/operating'),
          item('Compared with others', '/compared-with'),
          item('Versions', '/versions'),
          item('Security', '/security'),
          item('Changes of versions', '/changelog'),
        ],
      },
      {
        text: 'Look inside',
        items: [
          item('Inspecting', '/inspecting'),
          item('The explorer', '/explorer'),
          item('Stepping', '/stepping'),
          item('Tracing', '/tracing'),
          item('Receipts', '/receipts'),
          item('Predicted and measured', '/predicted-and-measured'),
          item('Reports', '/reports'),
          item('Exercises', '/exercises'),
          item('Architecture', '/architecture'),
        ],
      },
      { text: 'The guide', items: [item('How to use it', '/guide/'), ...chapters] },
      { text: 'Formats', items: ['store', 'wal', 'sstable', 'manifest', 'btree', 'opfs'].map(name => item(name, `/formats/${name}`)) },
      {
        text: 'Measured',
        items: [item('Benchmarks', '/benchmarks'), item('History', '/bench/history'), item('How it is measured', '/bench/')],
      },
      { text: 'Take part', items: [item('Contributing', '/contributing')] },
    ],
    footer: { message: 'MIT license. The cities of GeoNames: CC BY 4.0.' },
  },
})
