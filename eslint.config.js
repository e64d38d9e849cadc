import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist', 'node_modules', 'training/data', 'coverage'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Names the options that a schema declares.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-globals': [
        'error',
        'console',
        'process',
        'setTimeout',
        'setInterval',
        { name: 'AbortController', message: 'Use runtime/abort-scope.ts, which lets go of what it follows.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "CallExpression[callee.property.name='addEventListener'][arguments.0.value='abort']", message: 'Use runtime/on-abort.ts.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'AbortSignal', property: 'any', message: 'Its sources keep it: use runtime/abort-scope.ts.' },
        { object: 'Math', property: 'random', message: 'Draw from maths/random.ts, so that a seed fixes the result.' },
        { object: 'Date', property: 'now', message: 'Take time from the run’s Clock.' },
        { object: 'performance', property: 'now', message: 'Take time from the run’s Clock.' },
      ],
    },
  },
  {
    files: ['src/runtime/abort-scope.ts', 'src/runtime/on-abort.ts', 'src/testing/manual-clock.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-syntax': 'off' },
  },
  { files: ['src/cli/**/*.ts', 'src/runtime/system-clock.ts'], rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' } },
);
