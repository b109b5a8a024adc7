// The loop that AWS's own runtime runs around a handler, without what it does beside: it is lighter, and so in Node's favour.

import http from "node:http";

import { handle } from "./handler.js";

const VERSION = "/2018-06-01/runtime/invocation";
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body = "") {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": Buffer.byteLength(body) };
    const request = http.request({ hostname, port, agent, method, path, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function main() {
  for (;;) {
    const { headers, text } = await call("GET", `${VERSION}/next`);
    const number = headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handle(JSON.parse(text));
      await call("POST", `${VERSION}/${number}/response`, JSON.stringify(answer));
    } catch (error) {
      // As AWS's runtime does: whatever went wrong is reported, and the loop goes on.
      const told = JSON.stringify({ errorType: error.name, errorMessage: error.message });
      await call("POST", `${VERSION}/${number}/error`, told);
    }
  }
}

main();
