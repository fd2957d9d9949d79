// Makes dist/ a package of its own. In the workspace the package is used by its source; what is
// published is dist/: `npm publish ./dist`.

import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const { scripts, devDependencies, exports, ...published } = JSON.parse(
  await readFile(new URL("package.json", root), "utf8"),
);
const built = (path) => path.replace(/^\.\/src\/(\w+)\.ts$/, "./$1");
published.exports = Object.fromEntries(
  Object.entries(exports).map(([name, { default: path }]) => [
    name,
    { types: `${built(path)}.d.ts`, default: `${built(path)}.js` },
  ]),
);
await writeFile(new URL("dist/package.json", root), `${JSON.stringify(published, null, 2)}\n`);
// Declarations name their neighbours as the source does.
for (const name of await readdir(new URL("dist/", root))) {
  if (name.endsWith(".d.ts")) {
    const file = new URL(`dist/${name}`, root);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/(from "\.\/\w+)\.ts"/g, '$1.js"'));
  }
}
await copyFile(new URL("README.md", root), new URL("dist/README.md", root));
