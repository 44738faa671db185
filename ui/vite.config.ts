/** The UI's build. Assets are addressed relative to the page's <base>, so that one build serves
 *  under any path prefix. */
import { lingui, linguiTransformerBabelPreset } from '@lingui/vite-plugin';
import babel from '@rolldown/plugin-babel';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const linguiConfig = { configPath: fileURLToPath(new URL('lingui.config.ts', import.meta.url)) };
const api = process.env['SPOOR_API'] ?? 'http://127.0.0.1:16686';

export default defineConfig({
  root: here,
  base: './',
  plugins: [
    react(),
    babel({ presets: [linguiTransformerBabelPreset({}, linguiConfig)] }),
    lingui({ ...linguiConfig, failOnMissing: true, failOnCompileError: true }),
    tailwindcss(),
  ],
  worker: { format: 'es' },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', sourcemap: false },
  server: { proxy: { '/api': api } },
});
