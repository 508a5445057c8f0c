// Reads {name: query} from standard input, and writes {name: [what Microsoft's KQL parser says against it]}.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const load = createRequire(`${process.argv[2]}/`);
load("@kusto/language-service-next/bridge.min.js");
load("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

// The columns that we use of the two tables that Azure Monitor fills.
const schema = "(TimeGenerated: datetime, Message: string)";
const tables = ["AppTraces", "FunctionAppLogs"].map((name) => Symbols.TableSymbol.From(schema).WithName(name));
const database = new Symbols.DatabaseSymbol.ctor("workspace", tables);
const globals = GlobalState.Default.WithDatabase(database);

function complaints(query) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => {
    const { Severity, Message, Start } = found.getItem(index);
    const line = query.slice(0, Start).split("\n").length;
    return `${Severity}, line ${line}: ${Message}`;
  });
}

const queries = JSON.parse(readFileSync(0, "utf8"));
const judged = Object.entries(queries).map(([name, query]) => [name, complaints(query)]);
process.stdout.write(JSON.stringify(Object.fromEntries(judged)));
