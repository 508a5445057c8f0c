// Azurite for as long as standard input is open. The other end belongs to the process that uses it, so the emulator
// ends with that process, however that comes to its end.
//
// A line of standard input asks what no storage account tells, a line of standard output answers:
//   {"messages": queue} every message of the queue, hidden ones too
//   {"release": queue}  shows the messages that nobody took yet; how many were hidden
// where a queue is {"account": name, "queue": name}.
"use strict";

const { createInterface } = require("readline");
const BlobGCManager = require("azurite/dist/src/blob/gc/BlobGCManager").default;
const QueueGCManager = require("azurite/dist/src/queue/gc/QueueGCManager").default;
const QueueServer = require("azurite/dist/src/queue/QueueServer").default;
const { NEVER_EXPIRE_DATE } = require("azurite/dist/src/queue/utils/constants");
const { readStreamToString } = require("azurite/dist/src/queue/utils/utils");

// Ten minutes after its start the emulator looks for content that nothing refers to, and answers nobody meanwhile: for
// minutes, after some ten thousand writes. It does not live long enough to need that.
for (const collector of [BlobGCManager, QueueGCManager]) {
  collector.prototype.start = async () => {};
}

const start = QueueServer.prototype.beforeStart;
const never = new Date(NEVER_EXPIRE_DATE);
let server;
QueueServer.prototype.beforeStart = function () {
  server = this;
  return start.call(this);
};

function rows({ account, queue }) {
  const store = server.metadataStore;
  const every = store.db.getCollection(store.MESSAGES_COLLECTION);
  return { every, found: every.find({ accountName: account, queueName: queue }) };
}

async function messages(queue) {
  const { found } = rows(queue);
  found.sort((a, b) => a.$loki - b.$loki);
  return Promise.all(
    found.map(async (row) => ({
      id: row.messageId,
      text: await readStreamToString(await server.extentStore.readExtent(row.persistency)),
      inserted: new Date(row.insertionTime),
      expires: new Date(row.expirationTime) < never ? new Date(row.expirationTime) : null,
      visible: new Date(row.timeNextVisible),
      dequeueCount: row.dequeueCount,
    }))
  );
}

function release(queue) {
  const { every, found } = rows(queue);
  const now = Date.now();
  const hidden = found.filter((row) => row.dequeueCount === 0 && row.timeNextVisible > now);
  hidden.forEach((row) => (row.timeNextVisible = now));
  every.update(hidden);
  return hidden.length;
}

async function answer(line) {
  const asked = JSON.parse(line);
  return asked.release ? release(asked.release) : messages(asked.messages);
}

createInterface({ input: process.stdin })
  .on("line", (line) =>
    answer(line).then(
      (answer) => console.log("answer " + JSON.stringify({ answer })),
      (error) => console.log("answer " + JSON.stringify({ error: String(error) }))
    )
  )
  .on("close", () => process.exit(0));

require("azurite/dist/src/azurite.js");
