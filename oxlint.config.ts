/** The house rules, kept by the linter. `layers` is the folder map of ARCHITECTURE.md as data: a
 *  folder may import itself, the folders in its row, and packages; nothing else. */
import { defineConfig, type OxlintOverride } from 'oxlint';

/** Which folders of src/ each folder of src/ may import besides itself. `registry.ts` and `cli`
 *  have no row: they put everything together. */
const layers: Record<string, string[]> = {
  model: [],
  lib: [],
  filter: ['model', 'lib'],
  ottl: ['model', 'lib'],
  traceql: ['filter', 'model', 'lib'],
  config: ['lib'],
  component: ['wire', 'config', 'lib', 'model'],
  wire: ['lib', 'model'],
  receivers: ['component', 'wire', 'config', 'lib', 'model'],
  processors: ['component', 'wire', 'config', 'lib', 'model', 'filter', 'ottl', 'traceql'],
  connectors: ['component', 'wire', 'config', 'lib', 'model', 'filter', 'ottl', 'traceql'],
  exporters: ['storage', 'component', 'wire', 'config', 'lib', 'model'],
  extensions: ['api', 'query', 'storage', 'component', 'wire', 'config', 'lib', 'model', 'filter'],
  pipeline: ['component', 'config', 'lib', 'model'],
  storage: ['wire', 'config', 'lib', 'model', 'filter', 'traceql'],
  query: ['storage', 'lib', 'model', 'filter', 'traceql'],
  api: ['query', 'storage', 'wire', 'lib', 'model', 'filter', 'traceql'],
};

/** Their subfolders are components, and siblings never import each other. */
const componentFolders = new Set([
  'receivers',
  'processors',
  'connectors',
  'exporters',
  'extensions',
  'storage',
]);

/** The loops that run once a span or more. They may break the size budgets and assert types; the
 *  first comment of each names its benchmark. At most 15. */
const hotFiles = [
  'src/model/batch/builder.ts',
  'src/model/batch/editor.ts',
  'src/model/batch/frame.ts',
  'src/model/batch/gather.ts',
  'src/model/batch/string-table.ts',
  'src/model/trace/critical-path.ts',
  'src/storage/embedded/encode/row-group.ts',
  'src/storage/embedded/encode/row-order.ts',
  'src/storage/embedded/encode/rows.ts',
  'src/storage/embedded/encode/tagged-writer.ts',
  'src/storage/embedded/parquet/decodings.ts',
  'src/storage/embedded/parquet/encodings.ts',
  'src/wire/otlp-proto/decode.ts',
  'src/wire/otlp-proto/encode.ts',
  'src/wire/otlp-proto/message-rows.ts',
  'src/wire/otlp-proto/proto-reader.ts',
];

/** Where data is columns: an index within the length of a typed array never reads undefined, so `!`
 *  is allowed here and nowhere else. */
const columnarFiles = [
  'src/model/batch/*.ts',
  'src/model/trace/{tree,self-time,critical-path,columns}.ts',
  'src/wire/otlp-proto/*.ts',
  'src/storage/embedded/identity.ts',
  'src/storage/embedded/{parquet,encode,red}/*.ts',
  'src/lib/compression/*.ts',
];

const testFiles = [
  '**/*.test.ts',
  '**/*.test.tsx',
  '**/*.fixture.ts',
  '**/*-suite.ts',
  '**/testbed.ts',
  'src/storage/conformance/**',
  'test/**',
  'bench/**',
  'examples/**',
  'scripts/**',
];

/** Of `storage` the folders above it see the contract and never a backend. */
function mayImport(other: string, up: string): string {
  return other === 'storage' ? `!${up}storage/contract.ts` : `!${up}${other}/**`;
}

/** Gitignore patterns, the last match wins: leaving the folder is refused, then its row allowed. */
function layerRule(folder: string, depth: number): OxlintOverride {
  const out = '../'.repeat(depth);
  const besides = '../'.repeat(depth - 1);
  const betweenSiblings =
    componentFolders.has(folder) && depth > 1
      ? [`${besides}**`, `!${besides}*.ts`, `!${besides}conformance/**`]
      : [];
  const row = layers[folder] ?? [];
  const group = [...betweenSiblings, `${out}**`, ...row.map((other) => mayImport(other, out))];
  const message = `src/${folder} may import ${row.join(', ') || 'only itself'}; see ARCHITECTURE.md.`;
  const patterns = [{ group, message }];
  return {
    files: [`src/${folder}/${'*/'.repeat(depth - 1)}*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}

const layerOverrides = Object.keys(layers).flatMap((folder) =>
  [1, 2, 3, 4].map((depth) => layerRule(folder, depth)),
);

/** What the UI runs too: the model except the columnar batch. */
const browserModel: OxlintOverride = {
  files: ['src/model/*.ts', 'src/model/trace/*.ts'],
  rules: { 'import/no-nodejs-modules': 'error' },
};

const uiOverride: OxlintOverride = {
  files: ['ui/src/**/*.ts', 'ui/src/**/*.tsx'],
  rules: {
    'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ['**/src/**', '!**/src/model/**', '**/src/model/batch/**', 'node:*'],
            message:
              'The UI imports src/model and the types of #contract, nothing else of the server.',
          },
          { group: ['#contract'], allowTypeImports: true, message: 'Import types only.' },
        ],
      },
    ],
  },
};

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'react', 'jsx-a11y', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  ignorePatterns: ['**/dist/**', 'scripts/runtime/**', 'test/fixtures/**'],
  rules: {
    'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    'max-params': ['error', { max: 3 }],
    'max-depth': ['error', { max: 3 }],
    complexity: ['error', { max: 12 }],
    eqeqeq: 'error',
    'no-console': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
    'typescript/consistent-type-imports': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/only-throw-error': [
      'error',
      // The router's way to leave for another page.
      { allow: [{ from: 'package', package: '@tanstack/router-core', name: 'Redirect' }] },
    ],
    'typescript/return-await': 'error',
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'import/extensions': ['error', 'ignorePackages'],
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'react/rules-of-hooks': 'error',
    'react/exhaustive-deps': 'error',
    // Suspicious by category, but a matter of taste or wrong for this code:
    'react/react-in-jsx-scope': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'consistent-return': 'off', // tsc's noImplicitReturns
    'typescript/no-unsafe-type-assertion': 'off', // every `as` is refused already
    'no-underscore-dangle': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'jsx-a11y/prefer-tag-over-role': 'off',
    'jsx-a11y/control-has-associated-label': 'off', // axe judges the rendered page
    'react/exhaustive-effect-dependencies': 'off', // exhaustive-deps is on
    'promise/always-return': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    'oxc/no-async-endpoint-handlers': 'off', // Fastify awaits its handlers
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
  },
  overrides: [
    ...layerOverrides,
    browserModel,
    uiOverride,
    {
      files: columnarFiles,
      rules: {
        'typescript/no-non-null-assertion': 'off',
        // It asks to drop `!` where a callee happens to take undefined: here that hides a bug.
        'typescript/no-unnecessary-type-assertion': 'off',
        'typescript/no-confusing-non-null-assertion': 'off',
      },
    },
    {
      files: hotFiles,
      rules: {
        'max-lines': 'off',
        'max-lines-per-function': 'off',
        'max-params': 'off',
        'max-depth': 'off',
        complexity: 'off',
        'typescript/consistent-type-assertions': 'off',
      },
    },
    {
      files: testFiles,
      rules: {
        'max-lines': 'off',
        'max-lines-per-function': 'off',
        'max-params': 'off',
        'no-shadow': 'off',
        'max-depth': 'off',
        complexity: 'off',
        'no-console': 'off',
        'no-restricted-imports': 'off',
        'import/no-nodejs-modules': 'off',
        'unicorn/no-array-fill-with-reference-type': 'off',
        'typescript/restrict-template-expressions': 'off',
        'typescript/no-non-null-assertion': 'off',
        'typescript/consistent-type-assertions': 'off',
      },
    },
    {
      // Untyped by choice: they run before any tool is installed.
      files: ['**/*.mjs'],
      rules: { 'typescript/restrict-template-expressions': 'off' },
    },
    {
      // Command lines talk to a terminal.
      files: ['src/cli/**', 'bin/**'],
      rules: { 'no-console': 'off' },
    },
    {
      // Tools that load their configuration take a default export.
      files: ['*.config.ts', 'ui/*.config.ts', 'scripts/*-reporter.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
});
