import { defineConfig } from 'vitest/config';

// Photographs for people to look at; scripts/screenshots makes them.
export default defineConfig({
  test: {
    include: ['e2e/**/*.pictures.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
