// Bundles worker.mjs with mysql2 into one module for workerd: `node build_worker.mjs OUTPUT`.
import { builtinModules } from 'node:module';
import { build } from 'esbuild';

// mysql2 is CommonJS and calls `require` for Node's own modules. workerd has them, but only for
// `import`, so each gets a small module that imports it for those who require it.
const importForRequire = {
  name: 'import-for-require',
  setup({ onResolve, onLoad }) {
    const names = builtinModules.filter((name) => !name.startsWith('_')).join('|');
    onResolve({ filter: new RegExp(`^(node:)?(${names})$`) }, ({ path, kind }) => {
      const name = path.startsWith('node:') ? path : `node:${path}`;
      if (kind === 'require-call') return { path: name, namespace: 'import-for-require' };
      return { path: name, external: true };
    });
    onLoad({ filter: /.*/, namespace: 'import-for-require' }, ({ path }) => ({
      contents: `import module_ from '${path}'; module.exports = module_;`,
    }));
  },
};

await build({
  entryPoints: [new URL('worker.mjs', import.meta.url).pathname],
  outfile: process.argv[2],
  bundle: true,
  format: 'esm',
  conditions: ['workerd', 'worker'],
  plugins: [importForRequire],
  logLevel: 'error',
});
