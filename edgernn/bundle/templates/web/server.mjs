// Serves this folder to a browser on this machine: node server.mjs [PORT]
//
// The two headers isolate the page from others, which WebAssembly threads need; any server that sends them will do.
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(fileURLToPath(import.meta.url));
const RUNTIME = path.join(ROOT, 'node_modules', 'onnxruntime-web', 'dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.json': 'application/json', '.wasm': 'application/wasm', '.onnx': 'application/octet-stream',
};
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};

/** The file behind an address; null where it is none of this app. */
function fileOf(url) {
  const address = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  const [base, rest] = address.startsWith('/ort/') ? [RUNTIME, address.slice(5)] : [ROOT, address.slice(1)];
  const file = path.join(base, rest || 'index.html');
  const inside = path.relative(base, file);
  return inside.startsWith('..') || path.isAbsolute(inside) || /(^|[\\/])(\.|node_modules)/.test(inside) ? null : file;
}

const server = http.createServer(async (request, response) => {
  try {
    const file = fileOf(request.url);
    const data = file && await fs.readFile(file);
    if (!data) throw new Error('not a file of this app');
    response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    response.end(data);
  } catch {
    response.writeHead(404, HEADERS).end('not found');
  }
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/`);
});
