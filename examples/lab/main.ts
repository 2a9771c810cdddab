/** `npm run example N`. */
import { runExamples } from './program.js'

await runExamples('npm run example --', process.argv.slice(2))
