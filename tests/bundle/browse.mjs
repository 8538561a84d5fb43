// Opens the web bundle in headless Chromium, uses it as a person would, and prints what the page showed, as JSON.
//
// node browse.mjs PLAYWRIGHT CHROMIUM PROFILE URL LINES [SCREENSHOT]
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const [playwright, executablePath, profile, url, lines, screenshot] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(playwright));
const flags = [
  'no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking',
  'disable-component-update', 'disable-sync', 'use-fake-device-for-media-stream', 'use-fake-ui-for-media-stream',
];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath, args: flags.map((flag) => `--${flag}`), viewport: { width: 1000, height: 760 }, headless: true,
});
const page = await browser.newPage();
page.setDefaultTimeout(60000);
const errors = [];
page.on('pageerror', (error) => errors.push(error.message));
page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));

const opened = async () => {
  await page.waitForFunction(() => document.getElementById('status').dataset.state !== 'loading');
  return page.evaluate(() => {
    const { textContent: text, dataset } = document.getElementById('status');
    return { text, state: dataset.state, enabled: !document.getElementById('random').disabled };
  });
};
const pushed = (count) => page.waitForFunction(
  (wanted) => Number(document.getElementById('pushes').textContent) >= wanted, count);
const legend = () => page.$$eval('#legend span', (items) => items.map((item) => parseFloat(item.textContent)));
const drawn = () => page.evaluate(() => {
  const canvas = document.getElementById('plot');
  const { data } = canvas.getContext('2d').getImageData(120, 0, canvas.width - 150, canvas.height);
  const colors = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) colors.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  }
  return colors.size;
});

const found = { errors };
await page.goto(url);
found.isolated = await page.evaluate(() => crossOriginIsolated);
found.first = await opened();
if (found.first.state === 'ready') {
  found.blank = await drawn();
  await page.click('#random');
  await pushed(60);
  found.random = { pushes: Number(await page.textContent('#pushes')), answer: await page.textContent('#answer'),
    median: await page.textContent('#median'), colors: await drawn() };
  if (screenshot) await page.screenshot({ path: screenshot });
  await page.click('#reset');
  await page.waitForFunction(() => document.getElementById('pushes').textContent === '0');
  found.reset = await page.textContent('#pushes');
  await page.click('#microphone');
  await pushed(20);
  await page.click('#stop');
  found.microphone = await page.textContent('#answer');
  await page.selectOption('#model', 'forecast');
  found.second = await opened();
  const feed = async (text, count) => {
    await page.setInputFiles('#file', { name: 'values.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    await pushed(count);
    await page.waitForFunction(() => document.getElementById('stop').disabled);
  };
  const text = fs.readFileSync(lines, 'utf8');
  const count = text.trim().split('\n').length;
  await feed(text, count);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  found.forecast = await legend();
  await page.setInputFiles('#file', { name: 'wrong.csv', mimeType: 'text/csv', buffer: Buffer.from('1,2\n3\n') });
  await page.waitForFunction(() => document.getElementById('status').dataset.state === 'error');
  found.wrong = await page.textContent('#status');
  await page.selectOption('#model', 'several');
  found.third = await opened();
}
console.log(JSON.stringify(found));
await browser.close();
