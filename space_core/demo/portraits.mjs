// A pipe from portrait specs to drawings, one JSON object a line:
//   node portraits.mjs PACKAGES_DIR < spec.jsonl > svg.jsonl
// in {"id", "style", "options"}, out {"id", "svg"}. PACKAGES_DIR holds node_modules.
// Nothing is chosen here: an unknown option, or one with several values to pick from, is an error.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const packages = createRequire(resolve(process.argv[2] ?? ".", "package.json"));
const load = (name) => import(pathToFileURL(packages.resolve(name)));
const { createAvatar, schema } = await load("@dicebear/core");
const styles = await load("@dicebear/collection");

function check({ id, style, options }) {
  if (!(style in styles)) throw new Error(`${id}: DiceBear has no style "${style}".`);
  for (const [name, value] of Object.entries(options)) {
    const known = styles[style].schema.properties[name] ?? schema.properties[name];
    if (!known) throw new Error(`${id}: the style ${style} has no option "${name}".`);
    if (!Array.isArray(value)) continue;
    const names = known.items?.enum;
    const stray = value.find((one) => names && !names.includes(one));
    if (stray) throw new Error(`${id}: ${style} knows no ${name} "${stray}".`);
    if (value.length > 1) throw new Error(`${id}: ${style} ${name} is left to chance.`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const spec = JSON.parse(line);
  check(spec);
  const svg = createAvatar(styles[spec.style], spec.options).toString();
  process.stdout.write(JSON.stringify({ id: spec.id, svg }) + "\n");
}
