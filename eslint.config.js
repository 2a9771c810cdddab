import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Files that may use what only Node has. Everything else in src runs unchanged in a browser. */
const NODE_SIDE = [
  'src/index.ts',
  'src/vfs/node.ts',
  'src/explore/**',
  'src/vfs/node/**',
  'src/store/node*.ts',
  'src/repair/node*.ts',
  'src/lsm/compaction/worker/{worker-executor,worker-thread,compaction-worker}.ts',
]

const HOUSE_SYNTAX = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of literals (or `as const` numbers) instead of an enum.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export a name: a default export has a different one in every importer.' },
  {
    selector: ':matches(PropertyDefinition, MethodDefinition, TSParameterProperty)[accessibility="private"][kind!="constructor"]',
    message: 'Use #private, which is private at run time too.',
  },
  { selector: 'ForInStatement', message: 'for-in walks the prototype chain: use for-of over Object.keys or Object.entries.' },
]

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', '.tmp/', '**/fixtures/', 'site/.vitepress/']),
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      'object-shorthand': 'error',
      'no-restricted-syntax': ['error', ...HOUSE_SYNTAX],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-readonly': 'error',
      // Inside try/catch a promise must be awaited, or its rejection escapes the handler.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'error',
      // `async` without `await` turns a throw into a rejection, which is what a promise-returning method owes its caller.
      '@typescript-eslint/require-await': 'off',
      // Interfaces of plain functions are destructured on purpose; a method that needs `this` has #private state and throws at once.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'packages/*/src/**/*.ts'],
    rules: {
      'no-console': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  {
    // The import direction itself is checked by tests/package/import-rule.test.ts; these give the answer in the editor.
    files: ['src/**/*.ts'],
    ignores: NODE_SIDE,
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'The core runs in a browser: reach the platform through the Environment.' }] },
      ],
      'no-restricted-globals': [
        'error',
        ...['process', 'global', 'require', 'module', '__dirname', '__filename', 'setImmediate', 'clearImmediate'].map(name => ({
          name,
          message: 'Only Node has it: reach the platform through the Environment.',
        })),
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: [...NODE_SIDE, 'src/store/**', 'src/codec/text.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...HOUSE_SYNTAX,
        { selector: 'Identifier[name="Buffer"]', message: 'Use Uint8Array and codec/text.' },
      ],
    },
  },
  { files: ['packages/cli/src/**/*.ts'], rules: { 'no-console': 'off' } },
  // A lesson is data of one type, which gives its functions theirs.
  { files: ['packages/explorer/src/lessons/*.ts'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' } },
  {
    // Tools read their configuration from a default export.
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
)
