// Azurite for as long as standard input is open. The other end belongs to the process that uses it, so the emulator
// ends with that process, however that comes to its end.
"use strict";

process.stdin.on("end", () => process.exit(0)).resume();
require("azurite/dist/src/azurite.js");
