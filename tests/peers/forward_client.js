// Sends the lines of a file by Fluent Forward, each acknowledged: node forward_client.js PORT MODE KEY FILE
const fs = require("fs");
const { FluentClient, EventTime } = require("@fluent-org/logger");

const [port, eventMode, sharedKey, file] = process.argv.slice(2);
const client = new FluentClient("node", {
  eventMode,
  // It waits so long for what was under way on a connection that broke, then sends it again.
  ack: { ackTimeout: 3000 },
  eventRetry: { attempts: 10000, backoff: 1, delay: 50 },
  socket: { host: "127.0.0.1", port: Number(port), timeout: 60000, reconnect: { backoff: 1, delay: 50, maxDelay: 200 } },
  security: sharedKey ? { clientHostname: "client.test", sharedKey } : undefined,
  flushInterval: eventMode === "Message" ? 0 : 10,
});

async function send() {
  const lines = fs.readFileSync(file, "utf8").split("\n").filter((line) => line);
  for (let at = 0; at < lines.length; at += 100) {
    const emitted = lines.slice(at, at + 100).map((line) => {
      const event = JSON.parse(line);
      const time = Date.parse(event.timestamp.replace(" ", "T") + "Z");
      return client.emit("events", event, new EventTime(time / 1000, 5));
    });
    await Promise.all(emitted);
  }
  await client.shutdown();
}

send().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
