// The npm client dynamics-web-api judges the simulated Dataverse: what it expects must hold.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { DynamicsWebApi } from "dynamics-web-api";

const client = new DynamicsWebApi({
  serverUrl: process.env.DATAVERSE_URL,
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => process.env.DATAVERSE_TOKEN,
  propagateErrors: true,
});

const collection = "leads";
const refused = (status, code, act) =>
  assert.rejects(act, (error) => {
    assert.equal(error.status, status, error.message);
    assert.equal(error.code, code, error.message);
    return true;
  });

// Create with the row as the answer, or with its id.
const euro = await client.retrieveMultiple({
  collection: "transactioncurrencies",
  select: ["currencyprecision"],
  filter: "isocurrencycode eq 'EUR'",
});
assert.equal(euro.value.length, 1);
const currency = euro.value[0].transactioncurrencyid;
const created = await client.create({
  collection,
  data: {
    subject: "Judged",
    estimatedamount: 1234.56,
    "transactioncurrencyid@odata.bind": `/transactioncurrencies(${currency})`,
  },
  returnRepresentation: true,
});
assert.equal(created.subject, "Judged");
assert.equal(created._transactioncurrencyid_value, currency);
const key = created.leadid;
const bare = await client.create({ collection, data: { subject: "Bare" } });
assert.match(bare, /^[0-9a-f-]{36}$/);

// Read: selected columns, expanded rows, and nothing at all while unchanged.
const read = await client.retrieve({
  collection,
  key,
  select: ["subject"],
  expand: [{ property: "transactioncurrencyid", select: ["isocurrencycode"] }],
});
assert.equal(read.transactioncurrencyid.isocurrencycode, "EUR");
await refused(404, "0x80040217", () => client.retrieve({ collection, key: randomUUID() }));

// Update under the version that was read; a second time it has moved.
const ifmatch = read["@odata.etag"];
await client.update({ collection, key, data: { subject: "Judged twice" }, ifmatch });
await refused(412, "0x80060882", () =>
  client.update({ collection, key, data: { subject: "Lost" }, ifmatch }),
);
await refused(404, "0x80040217", () =>
  client.update({ collection, key: randomUUID(), data: { subject: "Nobody" } }),
);

// Upsert, create-only: once under a chosen id, and no second time.
const chosen = randomUUID();
const createOnly = { collection, key: chosen, data: { subject: "Chosen" }, ifnonematch: "*" };
await client.upsert(createOnly);
await refused(412, "0x80040237", () => client.upsert(createOnly));
const updateOnly = { collection, key: randomUUID(), data: { subject: "Nobody" }, ifmatch: "*" };
await refused(404, "0x80040217", () => client.upsert(updateOnly));

// Pages, counted, by the server's own links.
const all = await client.retrieveAll({ collection, select: ["subject"], maxPageSize: 2 });
assert.equal(all.value.length, 3);
const counted = await client.retrieveMultiple({
  collection,
  select: ["subject"],
  filter: "subject eq 'Chosen' or contains(subject,'twice')",
  orderBy: ["subject desc"],
  count: true,
});
assert.equal(counted.oDataCount, 2);
assert.deepEqual(counted.value.map((row) => row.subject), ["Judged twice", "Chosen"]);

// Single properties, and the metadata of a choice column.
await client.updateSingleProperty({ collection, key, fieldValuePair: { jobtitle: "Buyer" } });
await client.deleteRecord({ collection, key, property: "jobtitle" });
const options = await client.retrieveAttributes({
  entityKey: "LogicalName='lead'",
  castType: "Microsoft.Dynamics.CRM.StatusAttributeMetadata",
  select: ["LogicalName"],
  expand: [{ property: "OptionSet" }],
});
assert.equal(options.value[0].OptionSet.Options.length, 7);

// Qualifying closes the lead once.
const qualify = () =>
  client.callAction({
    collection,
    key,
    actionName: "Microsoft.Dynamics.CRM.QualifyLead",
    action: { CreateAccount: true, CreateContact: false, CreateOpportunity: true, Status: 3 },
  });
assert.equal((await qualify()).value.length, 2);
await refused(400, "0x80040519", qualify);

await client.deleteRecord({ collection, key: chosen });
await refused(404, "0x80040217", () => client.retrieve({ collection, key: chosen }));
