/**
 * The panels beside the drawings, in the order of their tabs.
 *
 * A new panel is one line here: the name in the page's address, a title of a word or two, what it is for, and its component, whose code loads
 * when it is opened first. A panel is as narrow as 320 px, and only exists while it is open: what has to outlive it is kept in signals of its
 * module.
 */
import type { Panel } from './panel.js'

export const PANELS: readonly Panel[] = [
  {
    anchor: 'operations',
    title: 'Operations',
    about: 'What was done, and what came of it',
    load: async () => (await import('./operation-panel.js')).OperationPanel,
  },
  {
    anchor: 'timeline',
    title: 'Timeline',
    about: 'Jobs and marks of the run, the moments around this one, and a search',
    load: async () => (await import('./timeline-panel.js')).TimelinePanel,
  },
  {
    anchor: 'history',
    title: 'History',
    about: 'What became of a key, a table, a page or a file',
    load: async () => (await import('./history.js')).History,
  },
  {
    anchor: 'receipt',
    title: 'Receipt',
    about: 'What the present operation costs, now and later',
    load: async () => (await import('./receipt.js')).Receipt,
  },
  {
    anchor: 'compare',
    title: 'Compare',
    about: 'What differs between two lanes',
    load: async () => (await import('./compare.js')).Compare,
    stays: true,
  },
  { anchor: 'power', title: 'Power loss', about: 'What is left if power fails here', load: async () => (await import('./crash.js')).Crash },
  {
    anchor: 'engines',
    title: 'Engines',
    about: 'Which engines run, and their options',
    load: async () => (await import('./lanes.js')).LaneSettingsPanel,
  },
  {
    anchor: 'lessons',
    title: 'Lessons',
    about: 'Guided tours with questions, goals and challenges',
    load: async () => (await import('./lesson-list.js')).LessonList,
  },
  {
    anchor: 'exercises',
    title: 'Exercises',
    about: 'A part of an engine that you write yourself',
    load: async () => (await import('./exercise-panel.js')).ExercisePanel,
    stays: true,
  },
  {
    anchor: 'share',
    title: 'Share',
    about: 'The run as a link, a page, a trace or a program',
    load: async () => (await import('./share.js')).Share,
  },
  {
    anchor: 'your-store',
    title: 'Your store',
    about: 'A store, a recording or a report of your own',
    load: async () => (await import('./own-store.js')).OwnStore,
  },
]
