// Writes what comes by Fluent Forward to a file, a line each: node forward_server.js PORT KEY FILE
const fs = require("fs");
const { FluentServer } = require("@fluent-org/logger");

const [port, sharedKey, file] = process.argv.slice(2);
const security = sharedKey ? { serverHostname: "server.test", sharedKey, authorize: false, userDict: {} } : undefined;
const server = new FluentServer({ security, keepalive: true, listenOptions: { host: "127.0.0.1", port: Number(port) } });
const out = fs.openSync(file, "a");
server.on("entry", (tag, time, record) => {
  const at = typeof time === "number" ? time : [time.epoch, time.nano];
  fs.writeSync(out, JSON.stringify({ tag, time: at, ...record }) + "\n");
});
server.listen();
