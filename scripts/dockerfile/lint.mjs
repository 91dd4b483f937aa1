// Lints a Dockerfile: what the Dockerfile language server finds, and what drbot's
// image promises beside it. Exit 1 when anything is wrong.
import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";

const file = process.argv[2];
const text = readFileSync(file, "utf8");
const wrong = validate(text).map((d) => `${file}:${d.range.start.line + 1}: ${d.message}`);

const last = text.slice(text.lastIndexOf("\nFROM "));
const user = [...last.matchAll(/^USER\s+(\S+)/gm)].pop()?.[1];
if ((text.match(/^FROM /gm) ?? []).length < 2) wrong.push(`${file}: one stage only`);
if (!user || user === "root" || user === "0") wrong.push(`${file}: the image runs as root`);
const stages = new Set();
for (const [, image, name] of text.matchAll(/^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)) {
  if (!stages.has(image) && !/@sha256:[0-9a-f]{64}$/.test(image)) wrong.push(`${file}: ${image} is not named by its digest`);
  if (name) stages.add(name);
}
if (/^ADD\s+https?:/m.test(text)) wrong.push(`${file}: ADD fetches without a checksum`);
if (/\b(curl|wget)\b/.test(text)) wrong.push(`${file}: what curl or wget fetch is signed by nobody`);
if (/:latest\b/.test(text)) wrong.push(`${file}: a tag named latest is no version`);

for (const w of wrong) console.error(w);
process.exit(wrong.length ? 1 : 0);
